package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Precision;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernel that adds up what other cards have copied here. */
final class SumMembersTest {
    @BeforeAll
    static void needsTheEmulatedCard() {
        assumeTrue(SimtCompiler.missing().isEmpty(), "skipped: the emulated card cannot be built");
    }

    private static ByteBuffer bytes(float... values) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.nativeOrder());
        bytes.asFloatBuffer().put(values);
        return bytes;
    }

    /** Float32 sums depend on their order: that of the members is the same on every card. */
    @ParameterizedTest
    @CsvSource({"2,0,4", "2,1,4", "3,1,1028", "4,3,20", "8,5,64"})
    void sumsAreInTheOrderOfTheMembersWhicheverCardAddsUp(int members, int index, int count) {
        Random random = new Random(7);
        float[][] given = new float[members][count];
        float[] all = new float[members * count];
        float[] wanted = new float[count];
        for (int member = 0; member < members; member++) {
            for (int i = 0; i < count; i++) {
                given[member][i] = (float) random.nextGaussian() * (1 << 4 * (member % 3));
                wanted[i] += given[member][i];
                // Nobody copies a card's own part.
                all[member * count + i] = member == index ? Float.NaN : given[member][i];
            }
        }
        float[] found = new float[count];
        try (Device device = new EmulatedDevice()) {
            CudaContext context = new CudaContext(device, new DeviceMemory(device), Precision.BF16);
            CudaMemory memory = new CudaMemory(context);
            CudaTensor own = context.master(count);
            CudaTensor parts = context.master(members, count);
            memory.upload(own, bytes(given[index]));
            memory.upload(parts, bytes(all));
            new Kernels(device, "memory", DType.FLOAT32)
                    .launch("sum_members", Launch.of(2, 64), own, parts, members, index, (long) count);
            ByteBuffer result = bytes(found);
            device.download(own.address(), result);
            result.asFloatBuffer().get(found);
        }

        assertThat(found).isEqualTo(wanted);
    }
}
