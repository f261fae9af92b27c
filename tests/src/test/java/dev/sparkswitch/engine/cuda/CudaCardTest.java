package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What only a card can show: sizes that fill it, its memory's end, and its clock. */
@Tag("gpu")
final class CudaCardTest {
    private final Random random = new Random(11);

    @BeforeAll
    static void needsACard() {
        assumeTrue(CudaCards.missing().isEmpty(), () -> CudaCards.missing().orElse(""));
    }

    private static ByteBuffer buffer(int floats) {
        return ByteBuffer.allocateDirect(floats * Float.BYTES).order(ByteOrder.nativeOrder());
    }

    private ByteBuffer numbers(int count) {
        ByteBuffer bytes = buffer(count);
        for (int i = 0; i < count; i++) {
            bytes.putFloat(i * Float.BYTES, (float) random.nextGaussian());
        }
        return bytes;
    }

    @Test
    void transfersOfManyPiecesComeBack() {
        int size = (9 << 20) + 3;
        ByteBuffer numbers = numbers(size);
        for (Precision precision : List.of(Precision.FLOAT32, Precision.BF16)) {
            try (CudaEngine engine = CudaEngine.open(precision, 0);
                    Tensor plain = engine.allocate(DType.FLOAT32, size);
                    Tensor parameter = engine.allocateParameter(size)) {
                for (Tensor tensor : List.of(plain, parameter)) {
                    engine.upload(tensor, numbers);
                    ByteBuffer back = buffer(size);
                    engine.download(tensor, back);
                    assertThat(back).isEqualTo(numbers);
                }
            }
        }
    }

    @Test
    void productsFillTheCardAndAreTheSameEveryTime() {
        int rows = 4096;
        int in = 768;
        int out = 3072;
        for (Precision precision : List.of(Precision.FLOAT32, Precision.BF16)) {
            try (CudaEngine engine = CudaEngine.open(precision, 0);
                    Tensor w = engine.allocateParameter(out, in)) {
                ByteBuffer left = numbers(rows * in);
                ByteBuffer right = numbers(out * in);
                engine.upload(w, right);
                try (Tensor x = compute(engine, left, rows, in);
                        Tensor y = engine.linear(x, w);
                        Tensor again = engine.linear(x, w);
                        Tensor dw = engine.allocate(DType.FLOAT32, out, in)) {
                    assertThat(bits(engine, y)).isEqualTo(bits(engine, again));
                    engine.linearWeightGradient(y, x, dw, Write.SET);
                    ByteBuffer gradient = bits(engine, dw);
                    ByteBuffer results = bits(engine, y);
                    ByteBuffer inputs = bits(engine, x);
                    for (int i = 0; i < 20; i++) {
                        int o = random.nextInt(out);
                        int j = random.nextInt(in);
                        double sum = 0;
                        for (int row = 0; row < rows; row++) {
                            sum += value(engine, results, row * out + o) * (double) value(engine, inputs, row * in + j);
                        }
                        assertThat((double) gradient.getFloat((o * in + j) * Float.BYTES))
                                .isCloseTo(sum, within(1e-3 * Math.sqrt(rows * in)));
                    }
                }
            }
        }
    }

    private static Tensor compute(CudaEngine engine, ByteBuffer numbers, int rows, int width) {
        DType type = engine.precision().compute();
        Tensor tensor = engine.allocate(type, rows, width);
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(rows * width * type.bytes()).order(ByteOrder.nativeOrder());
        for (int i = 0; i < rows * width; i++) {
            float number = numbers.getFloat(i * Float.BYTES);
            if (type == DType.BFLOAT16) {
                bytes.putShort(i * 2, (short) (Float.floatToIntBits(number) >>> 16));
            } else {
                bytes.putFloat(i * 4, number);
            }
        }
        engine.upload(tensor, bytes);
        return tensor;
    }

    private static ByteBuffer bits(CudaEngine engine, Tensor tensor) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(
                        (int) tensor.size() * tensor.type().bytes())
                .order(ByteOrder.nativeOrder());
        engine.download(tensor, bytes);
        return bytes;
    }

    private static float value(CudaEngine engine, ByteBuffer bytes, int index) {
        return engine.precision() == Precision.BF16
                ? Float.intBitsToFloat(bytes.getShort(index * 2) << 16)
                : bytes.getFloat(index * 4);
    }

    @Test
    void theEndOfTheMemoryIsToldInGibibytes() {
        List<Tensor> tensors = new ArrayList<>();
        try (CudaEngine engine = CudaEngine.open(Precision.BF16, 0)) {
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 1000; i++) {
                            tensors.add(engine.allocate(DType.FLOAT32, 1 << 15, 1 << 15));
                        }
                    })
                    .isInstanceOf(ResourceException.class)
                    .hasMessageContaining("[32768, 32768]")
                    .hasMessageContaining("4.00 GiB")
                    .hasMessageContaining("are free");
            tensors.get(0).close();
            // A free block of another size makes room.
            engine.allocate(DType.FLOAT32, 1 << 15, (1 << 15) - 1).close();
        }
    }

    @Test
    void theProfileNamesKernelsAndProducts() {
        try (CudaEngine engine = CudaEngine.open(Precision.BF16, 0);
                Tensor x = engine.allocate(DType.BFLOAT16, 64, 32);
                Tensor w = engine.allocateParameter(16, 32)) {
            engine.fill(w, 1);
            engine.startProfile();
            engine.fill(x, 1);
            engine.linear(x, w).close();
            engine.linear(x, w).close();
            Map<String, OperationTime> times = engine.endProfile();
            assertThat(times).hasSize(2).containsKey("fill_16");
            assertThat(times.values()).extracting(OperationTime::count).containsExactlyInAnyOrder(1, 2);
            assertThat(times.values())
                    .allSatisfy(time -> assertThat(time.milliseconds()).isPositive());
        }
    }
}
