package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Precision;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Adafactor of matrices that groups of blocks hold in shared memory, beside the passes over tiles, which the contract's tests
 * compare with the paper's algorithm.
 */
final class AdafactorGroupsTest {
    /** Sums are taken in another order. */
    private static final double TOLERANCE = 1e-5;

    private static final int STEPS = 3;

    /** Matrices, and the sizes in shared memory that make groups of them. */
    private record Sizes(List<int[]> shapes, AdafactorGroups.Limits limits) {}

    /** A group of three, of three with a last block that has fewer rows, and of five; two parameters are for the tiles. */
    private static final Sizes SMALL = new Sizes(
            List.of(
                    new int[] {40, 256},
                    new int[] {19, 512},
                    new int[] {30, 250},
                    new int[] {20, 1024},
                    new int[] {3, 256},
                    new int[] {48, 256}),
            new AdafactorGroups.Limits(4_000, 18 << 10));

    /** Groups of one block each, which take several matrices in turn, of more and of less memory than those before. */
    private static final Sizes ALONE = new Sizes(alone(), new AdafactorGroups.Limits(4_000, 100 << 10));

    private static List<int[]> alone() {
        List<int[]> shapes = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            shapes.add(new int[] {16 + 5 * i % 13, 256 << i % 3 / 2});
        }
        return shapes;
    }

    /** What a parameter is after some steps. */
    private record Stepped(double[] change, double[] rowMoments, double[] columnMoments, double squares) {}

    private static List<Stepped> stepped(
            Device device, Precision precision, DType gradients, List<int[]> shapes, AdafactorGroups.Limits limits) {
        SplittableRandom random = new SplittableRandom(5);
        CudaContext context = new CudaContext(device, new DeviceMemory(device), precision);
        CudaMemory memory = new CudaMemory(context);
        List<AdafactorSlot> slots = new ArrayList<>();
        List<double[]> starts = new ArrayList<>();
        for (int[] shape : shapes) {
            CudaTensor value = context.parameter(shape);
            memory.upload(value, gaussians(random, shape, 1));
            AdafactorSlot slot = new AdafactorSlot(
                    value, context.allocate(gradients, shape), context.master(shape[0]), context.master(shape[1]));
            memory.fill(slot.rowMoments(), 0);
            memory.fill(slot.columnMoments(), 0);
            slots.add(slot);
            starts.add(numbers(memory, value));
        }
        CudaOptimizers optimizers =
                new CudaOptimizers(context, new AdafactorMemory(AdafactorMemory.RING_BYTES, limits));
        CudaTensor squares = context.allocate(DType.FLOAT64, slots.size());
        for (int step = 1; step <= STEPS; step++) {
            for (AdafactorSlot slot : slots) {
                // Growing ones, so that updates are clipped.
                CudaTensor gradient = (CudaTensor) slot.gradient();
                ByteBuffer bytes = gaussians(random, gradient.shape(), Math.pow(8, step - 2));
                memory.upload(gradient, gradients == DType.BFLOAT16 ? narrow(bytes) : bytes);
            }
            optimizers.adafactor(
                    new AdafactorStep(0.05, 1 - Math.pow(step, -0.8), 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER),
                    slots,
                    squares);
        }
        List<Stepped> found = new ArrayList<>();
        ByteBuffer sums = ByteBuffer.allocateDirect(slots.size() * Double.BYTES).order(ByteOrder.nativeOrder());
        memory.download(squares, sums);
        for (int i = 0; i < slots.size(); i++) {
            AdafactorSlot slot = slots.get(i);
            double[] change = numbers(memory, (CudaTensor) slot.value());
            for (int j = 0; j < change.length; j++) {
                change[j] -= starts.get(i)[j];
            }
            found.add(new Stepped(
                    change,
                    numbers(memory, (CudaTensor) slot.rowMoments()),
                    numbers(memory, (CudaTensor) slot.columnMoments()),
                    sums.getDouble(i * Double.BYTES)));
        }
        context.memory().close();
        return found;
    }

    private static ByteBuffer gaussians(SplittableRandom random, int[] shape, double size) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(shape[0] * shape[1] * Float.BYTES).order(ByteOrder.nativeOrder());
        while (bytes.hasRemaining()) {
            bytes.putFloat((float) (size * random.nextGaussian()));
        }
        return bytes.flip();
    }

    private static ByteBuffer narrow(ByteBuffer floats) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(floats.remaining() / 2).order(ByteOrder.nativeOrder());
        while (floats.hasRemaining()) {
            bytes.putShort((short) (floats.getInt() >>> Short.SIZE));
        }
        return bytes.flip();
    }

    private static double[] numbers(CudaMemory memory, CudaTensor tensor) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect((int) tensor.size() * Float.BYTES).order(ByteOrder.nativeOrder());
        memory.download(tensor, bytes);
        double[] numbers = new double[(int) tensor.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = bytes.getFloat(i * Float.BYTES);
        }
        return numbers;
    }

    private static void check(Device device, Precision precision, DType gradients, Sizes sizes) {
        List<Stepped> wanted = stepped(device, precision, gradients, sizes.shapes(), AdafactorGroups.Limits.none());
        List<Stepped> found = stepped(device, precision, gradients, sizes.shapes(), sizes.limits());
        List<Stepped> again = stepped(device, precision, gradients, sizes.shapes(), sizes.limits());
        for (int i = 0; i < wanted.size(); i++) {
            String name = Arrays.toString(sizes.shapes().get(i));
            assertClose(
                    "change of " + name, found.get(i).change(), wanted.get(i).change());
            assertClose(
                    "row moments of " + name,
                    found.get(i).rowMoments(),
                    wanted.get(i).rowMoments());
            assertClose(
                    "column moments of " + name,
                    found.get(i).columnMoments(),
                    wanted.get(i).columnMoments());
            assertThat(found.get(i).squares())
                    .as("squares of " + name)
                    .isCloseTo(wanted.get(i).squares(), withinPercentage(100 * TOLERANCE));
            assertThat(again.get(i).change())
                    .as("again " + name)
                    .isEqualTo(found.get(i).change());
        }
    }

    private static void assertClose(String what, double[] found, double[] wanted) {
        double error = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
            error += (found[i] - wanted[i]) * (found[i] - wanted[i]);
            norm += wanted[i] * wanted[i];
        }
        assertThat(Math.sqrt(error / norm)).as(what).isLessThan(TOLERANCE);
    }

    @ParameterizedTest
    @CsvSource({"FLOAT32, FLOAT32", "BF16, FLOAT32", "BF16, BFLOAT16"})
    void aGroupOfBlocksDoesWhatPassesOverTilesDo(Precision precision, DType gradients) {
        assumeTrue(SimtCompiler.missing().isEmpty(), "skipped: the emulated card cannot be built");
        try (Device device = new EmulatedDevice()) {
            check(device, precision, gradients, SMALL);
            check(device, precision, gradients, ALONE);
        }
    }

    @Test
    void matricesThatDoNotFitAreLeftToTheTiles() {
        assumeTrue(SimtCompiler.missing().isEmpty(), "skipped: the emulated card cannot be built");
        try (Device device = new EmulatedDevice()) {
            CudaContext context = new CudaContext(device, new DeviceMemory(device), Precision.FLOAT32);
            AdafactorGroups.Limits limits = SMALL.limits();
            assertThat(AdafactorGroups.takes(device, limits, slot(context, 40, 256)))
                    .isTrue();
            assertThat(AdafactorGroups.takes(device, limits, slot(context, 40, 250)))
                    .isFalse();
            assertThat(AdafactorGroups.takes(device, limits, slot(context, 10, 256)))
                    .isFalse();
            assertThat(AdafactorGroups.takes(device, limits, slot(context, 1_000, 256)))
                    .isFalse();
            context.memory().close();
        }
    }

    private static AdafactorSlot slot(CudaContext context, int rows, int columns) {
        return new AdafactorSlot(
                context.parameter(rows, columns),
                context.master(rows, columns),
                context.master(rows),
                context.master(columns));
    }

    @ParameterizedTest
    @Tag("gpu")
    @CsvSource({"FLOAT32, FLOAT32", "BF16, FLOAT32", "BF16, BFLOAT16"})
    void theSameOnACard(Precision precision, DType gradients) {
        assumeTrue(CudaCards.missing().isEmpty(), () -> CudaCards.missing().orElse(""));
        List<int[]> shapes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            shapes.add(new int[] {768, 3072});
            shapes.add(new int[] {3072, 768});
            shapes.add(new int[] {100 + i, 768});
            shapes.add(new int[] {1500 + i, 1024});
        }
        try (Device device = new CudaDevice(0)) {
            check(device, precision, gradients, new Sizes(shapes, AdafactorGroups.Limits.of(device)));
        }
    }
}
