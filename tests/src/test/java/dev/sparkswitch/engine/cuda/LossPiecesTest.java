package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Precision;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The loss in pieces of rows, however much memory there is for logits. */
final class LossPiecesTest {
    private static final int TOKENS = 300;
    private static final int VOCABULARY = 21;
    private static final int WIDTH = 5;

    @BeforeAll
    static void needsTheEmulatedCard() {
        assumeTrue(SimtCompiler.missing().isEmpty(), "skipped: the emulated card cannot be built");
    }

    private record Found(float[] losses, float[] dHidden, float[] dw) {}

    private static Found with(Precision precision, long logitBytes) {
        Random random = new Random(4);
        try (Device device = new EmulatedDevice()) {
            CudaContext context = new CudaContext(device, new DeviceMemory(device), precision);
            CudaMemory memory = new CudaMemory(context);
            CudaTensor hidden = context.compute(TOKENS, WIDTH);
            CudaTensor w = context.parameter(VOCABULARY, WIDTH);
            CudaTensor targets = context.allocate(DType.INT32, TOKENS);
            CudaTensor dw = context.master(VOCABULARY, WIDTH);
            ByteBuffer states = buffer(TOKENS * WIDTH * hidden.type().bytes());
            for (int i = 0; i < TOKENS * WIDTH; i++) {
                int bits = Float.floatToIntBits((random.nextInt(255) - 127) / 64f);
                if (hidden.type() == DType.BFLOAT16) {
                    states.putShort((short) (bits >>> 16));
                } else {
                    states.putInt(bits);
                }
            }
            memory.upload(hidden, states.flip());
            ByteBuffer weights = buffer(VOCABULARY * WIDTH * Float.BYTES);
            for (int i = 0; i < VOCABULARY * WIDTH; i++) {
                weights.putFloat((random.nextInt(255) - 127) / 64f);
            }
            memory.upload(w, weights.flip());
            ByteBuffer wanted = buffer(TOKENS * Integer.BYTES);
            for (int i = 0; i < TOKENS; i++) {
                wanted.putInt(i % 5 == 4 ? -100 : random.nextInt(VOCABULARY));
            }
            memory.upload(targets, wanted.flip());
            memory.fill(dw, 0);
            CudaLoss loss = new CudaLoss(context, new CudaProducts(context), logitBytes);
            Engine.LossGradient gradient =
                    loss.tokenLossGradient(hidden, w, targets, new LossSettings(0.5, 0.1, 1e-2), 1, dw);
            return new Found(
                    floats(memory, (CudaTensor) gradient.tokenLoss()),
                    floats(memory, (CudaTensor) gradient.dHidden()),
                    floats(memory, dw));
        }
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private static float[] floats(CudaMemory memory, CudaTensor tensor) {
        ByteBuffer bytes = buffer((int) tensor.size() * tensor.type().bytes());
        memory.download(tensor, bytes);
        float[] values = new float[(int) tensor.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    tensor.type() == DType.BFLOAT16 ? Float.intBitsToFloat(bytes.getShort() << 16) : bytes.getFloat();
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"FLOAT32", "BF16"})
    void piecesOfAnySizeGiveTheSameGradients(Precision precision) {
        Found whole = with(precision, CudaLoss.LOGIT_BYTES);
        // A row, rows that are no multiple of anything, and a tile at a time
        for (long rows : new long[] {1, 37, 128}) {
            Found pieces = with(precision, rows * 24 * Float.BYTES);
            assertThat(pieces.losses()).isEqualTo(whole.losses());
            assertThat(pieces.dHidden()).isEqualTo(whole.dHidden());
            // Sums of as many numbers in another order
            assertThat(pieces.dw()).containsExactly(whole.dw(), Offset.offset(1e-3f));
        }
    }
}
