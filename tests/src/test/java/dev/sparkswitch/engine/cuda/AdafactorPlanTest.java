package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.Precision;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The order of an Adafactor step's items: whatever shares memory, the step is the same. */
final class AdafactorPlanTest {
    private static final AdafactorStep STEP =
            new AdafactorStep(0.05, 0.5, 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER);

    @BeforeAll
    static void needsTheEmulatedCard() {
        assumeTrue(SimtCompiler.missing().isEmpty(), "skipped: the emulated card cannot be built");
    }

    /** What happens between two steps. */
    private enum Between {
        NOTHING,
        /** The parameters go to the host and come back, as when a run goes on from a checkpoint. */
        ROUND_TRIP
    }

    /** The parameters after two steps with that much scratch memory. */
    private static List<float[]> stepped(Precision precision, long ring, Between between) {
        Random random = new Random(3);
        try (Device device = new EmulatedDevice()) {
            CudaContext context = new CudaContext(device, new DeviceMemory(device), precision);
            CudaMemory memory = new CudaMemory(context);
            List<AdafactorSlot> slots = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                int rows = 1 + random.nextInt(20);
                int columns = 1 + random.nextInt(60);
                CudaTensor value = context.parameter(rows, columns);
                CudaTensor gradient = context.master(rows, columns);
                CudaTensor rowMoments = i % 7 == 3 ? context.master(rows, columns) : context.master(rows);
                CudaTensor columnMoments = i % 7 == 3 ? null : context.master(columns);
                memory.upload(value, gaussians(random, rows * columns));
                memory.upload(gradient, gaussians(random, rows * columns));
                memory.fill(rowMoments, 0);
                if (columnMoments != null) {
                    memory.fill(columnMoments, 0);
                }
                slots.add(new AdafactorSlot(value, gradient, rowMoments, columnMoments));
            }
            CudaOptimizers optimizers =
                    new CudaOptimizers(context, new AdafactorMemory(ring, AdafactorGroups.Limits.none()));
            optimizers.adafactor(STEP, slots, null);
            if (between == Between.ROUND_TRIP) {
                for (AdafactorSlot slot : slots) {
                    ByteBuffer bytes = buffer((int) slot.value().size());
                    memory.download(slot.value(), bytes);
                    memory.upload(slot.value(), bytes);
                }
            }
            optimizers.adafactor(STEP, slots, null);
            List<float[]> values = new ArrayList<>();
            for (AdafactorSlot slot : slots) {
                ByteBuffer bytes = buffer((int) slot.value().size());
                memory.download(slot.value(), bytes);
                float[] numbers = new float[(int) slot.value().size()];
                bytes.asFloatBuffer().get(numbers);
                values.add(numbers);
            }
            return values;
        }
    }

    private static ByteBuffer buffer(int numbers) {
        return ByteBuffer.allocateDirect(numbers * Float.BYTES).order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer gaussians(Random random, int count) {
        ByteBuffer bytes = buffer(count);
        for (int i = 0; i < count; i++) {
            bytes.putFloat((float) random.nextGaussian());
        }
        return bytes.flip();
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"FLOAT32", "BF16"})
    void parametersThatTakeTurnsInScratchMemoryDoNotDisturbEachOther(Precision precision) {
        assertSame(
                stepped(precision, 0, Between.NOTHING),
                stepped(precision, AdafactorMemory.RING_BYTES, Between.NOTHING));
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"FLOAT32", "BF16"})
    void aStepAfterACheckpointIsTheStepThatWouldHaveFollowed(Precision precision) {
        assertSame(
                stepped(precision, AdafactorMemory.RING_BYTES, Between.ROUND_TRIP),
                stepped(precision, AdafactorMemory.RING_BYTES, Between.NOTHING));
    }

    private static void assertSame(List<float[]> found, List<float[]> wanted) {
        assertThat(found).hasSameSizeAs(wanted);
        for (int i = 0; i < wanted.size(); i++) {
            assertThat(found.get(i)).as("parameter " + i).isEqualTo(wanted.get(i));
        }
    }
}
