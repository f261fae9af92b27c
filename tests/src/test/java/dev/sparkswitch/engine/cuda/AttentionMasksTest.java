package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.AttentionShape.Order;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Masks that are drawn before somebody asks for them, by a device whose kernels beside others run as late as they may. */
final class AttentionMasksTest {
    private static final AttentionShape SELF = new AttentionShape(2, 2, 16, 70, 70, Order.CAUSAL);
    private static final AttentionShape CROSS = new AttentionShape(2, 2, 16, 70, 20, Order.FULL);
    /** Heads and queries of a sequence. */
    private static final int LINES = 2 * 70;

    /** Heads times the size of one. */
    private static final int WIDTH = 32;

    private final EmulatedDevice device = emulated();
    private final CudaContext context = new CudaContext(device, new DeviceMemory(device), Precision.BF16);
    private final CudaMemory memory = new CudaMemory(context);
    private final CudaAttention attention = new CudaAttention(context);

    private static EmulatedDevice emulated() {
        return EmulatedEngine.missing().isEmpty() ? new EmulatedDevice() : null;
    }

    @BeforeEach
    void requireACompiler() {
        assumeTrue(device != null, "skipped: there is no compiler for the emulated card");
    }

    private static Dropout dropout(int step, int layer, long firstRow) {
        return new Dropout(0.4, new Philox(7, 3, step, layer), firstRow * LINES, 0, 2);
    }

    private CudaTensor compute(int rows) {
        SplittableRandom random = new SplittableRandom(rows);
        CudaTensor tensor = context.compute(rows, WIDTH);
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(rows * WIDTH * DType.BFLOAT16.bytes()).order(ByteOrder.nativeOrder());
        while (bytes.hasRemaining()) {
            bytes.putShort((short) (Float.floatToIntBits((float) random.nextDouble(-1, 1)) >>> Short.SIZE));
        }
        memory.upload(tensor, bytes.flip());
        return tensor;
    }

    private CudaTensor segments(int count) {
        CudaTensor tensor = context.allocate(DType.INT32, count);
        memory.fill(tensor, 1);
        return tensor;
    }

    /** The results of two layers, as they lie in memory. */
    private List<ByteBuffer> forward(CudaAttention attention, int step, long firstRow) {
        List<ByteBuffer> results = new ArrayList<>();
        for (AttentionShape shape : List.of(SELF, CROSS)) {
            int keys = shape.rows() * shape.keyLength();
            AttentionInputs inputs = new AttentionInputs(
                    compute(shape.rows() * shape.queryLength()),
                    compute(keys),
                    compute(keys),
                    null,
                    segments(shape.rows() * shape.queryLength()),
                    segments(keys));
            Tensor result = attention
                    .attention(shape, inputs, dropout(step, shape.keyLength(), firstRow))
                    .result();
            ByteBuffer bytes = ByteBuffer.allocateDirect((int) result.size() * DType.BFLOAT16.bytes());
            memory.download(result, bytes);
            results.add(bytes);
        }
        return results;
    }

    private List<ByteBuffer> drawnOnTheSpot(int step, long firstRow) {
        return forward(new CudaAttention(context), step, firstRow);
    }

    /** Masks drawn while something is done. */
    private int drawn(Runnable what) {
        device.startProfile();
        what.run();
        OperationTime times = device.endProfile().get("attention_mask");
        return times == null ? 0 : times.count();
    }

    @Test
    void drawnAheadTheyAreTheSame() {
        List<List<ByteBuffer>> found = new ArrayList<>();
        int drawn = drawn(() -> {
            for (int step = 1; step < 4; step++) {
                found.add(forward(attention, step, 2 * step));
                attention.beforeUpdate();
                attention.expectStep(2);
            }
        });
        assertThat(drawn).as("two a step, and none of them for nothing").isEqualTo(6);
        assertThat(found).containsExactly(drawnOnTheSpot(1, 2), drawnOnTheSpot(2, 4), drawnOnTheSpot(3, 6));
    }

    @Test
    void aStepThatNobodyExpectedHasItsOwn() {
        forward(attention, 1, 5);
        attention.beforeUpdate();
        attention.expectStep(1);
        assertThat(forward(attention, 1, 5)).isEqualTo(drawnOnTheSpot(1, 5));
        assertThat(drawn(attention::beforeUpdate))
                .as("those of a step 2 that did not come")
                .isEqualTo(2);
        attention.expectStep(1);
        assertThat(forward(attention, 2, 5)).isEqualTo(drawnOnTheSpot(2, 5));
    }

    @Test
    void anUpdateWithoutAStepKeepsThem() {
        forward(attention, 1, 5);
        attention.beforeUpdate();
        attention.expectStep(0);
        assertThat(drawn(attention::beforeUpdate)).isZero();
        assertThat(forward(attention, 2, 5)).isEqualTo(drawnOnTheSpot(2, 5));
        assertThat(drawn(attention::beforeUpdate)).as("both were used").isZero();
    }

    @Test
    void whereNobodySaysWhatComesNoneAreDrawn() {
        forward(attention, 1, 5);
        attention.beforeUpdate();
        assertThat(forward(attention, 2, 5)).isEqualTo(drawnOnTheSpot(2, 5));
        attention.expectStep(0);
        assertThat(drawn(attention::beforeUpdate)).isZero();
    }
}
