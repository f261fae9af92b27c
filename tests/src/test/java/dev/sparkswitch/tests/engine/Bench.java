package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** An engine under test, and what brings numbers to it and back. */
final class Bench implements AutoCloseable {
    /** What integers of memory that nobody has written yet look like. */
    private static final int SPOILED = -77_777;
    /** What stands beside the columns of a view. */
    private static final double BESIDE = 7;

    private static final int LEFT = 2;
    private static final int RIGHT = 3;

    private final EngineCase engineCase;
    final Engine engine;

    Bench(EngineCase engineCase) {
        this.engineCase = engineCase;
        this.engine = engineCase.make();
    }

    /** An activation. */
    Tensor compute(Grid grid) {
        return upload(engine.allocate(engine.precision().compute(), grid.shape()), grid.doubles());
    }

    /** A parameter. */
    Tensor parameter(Grid grid) {
        return upload(engine.allocateParameter(grid.shape()), grid.doubles());
    }

    /** A gradient, or a number of the router. */
    Tensor master(Grid grid) {
        return upload(engine.allocate(engine.precision().master(), grid.shape()), grid.doubles());
    }

    /** The types that an engine takes gradients of experts in: its master type, and a narrower one where it has one. */
    List<DType> gradientTypes() {
        return Stream.of(engine.precision().master(), engine.matrixGradientType())
                .distinct()
                .toList();
    }

    /** A gradient of one of {@link #gradientTypes}. */
    Tensor gradient(DType type, Grid grid) {
        return upload(engine.allocate(type, grid.shape()), grid.doubles());
    }

    /** A gradient of each of {@link #gradientTypes} that nobody has written yet. */
    List<Tensor> spoiledGradients(int... shape) {
        return gradientTypes().stream()
                .map(type -> spoil(engine.allocate(type, shape)))
                .toList();
    }

    /** A parameter's gradient that nobody has written yet. */
    Tensor spoiledMaster(int... shape) {
        return spoil(engine.allocate(engine.precision().master(), shape));
    }

    Tensor spoiledCompute(int... shape) {
        return spoil(engine.allocate(engine.precision().compute(), shape));
    }

    Tensor integers(int[] values, int... shape) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return upload(engine.allocate(DType.INT32, shape), doubles);
    }

    private Tensor upload(Tensor tensor, double[] values) {
        DType type = tensor.type();
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(values.length * type.bytes()).order(ByteOrder.nativeOrder());
        for (double value : values) {
            switch (type) {
                case FLOAT64 -> bytes.putDouble(value);
                case FLOAT32 -> bytes.putFloat((float) value);
                case BFLOAT16 -> bytes.putShort((short) (Float.floatToIntBits((float) value) >>> 16));
                case INT32 -> bytes.putInt((int) value);
                case INT64 -> bytes.putLong((long) value);
            }
        }
        engine.upload(tensor, bytes.flip());
        return tensor;
    }

    double[] doubles(Tensor tensor) {
        double[] values = new double[(int) tensor.size()];
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(values.length * tensor.type().bytes()).order(ByteOrder.nativeOrder());
        engine.download(tensor, bytes);
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (tensor.type()) {
                case FLOAT64 -> bytes.getDouble();
                case FLOAT32 -> bytes.getFloat();
                case BFLOAT16 -> Float.intBitsToFloat(bytes.getShort() << 16);
                case INT32 -> bytes.getInt();
                case INT64 -> bytes.getLong();
            };
        }
        return values;
    }

    int[] ints(Tensor tensor) {
        double[] doubles = doubles(tensor);
        int[] values = new int[doubles.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (int) doubles[i];
        }
        return values;
    }

    Tensor spoil(Tensor tensor) {
        engine.fill(tensor, tensor.type() == DType.INT32 ? SPOILED : Double.NaN);
        return tensor;
    }

    /**
     * The result of an operation that has run twice: before the second time the results of the first were spoiled and given
     * back, so that elements which the operation leaves out show.
     */
    Tensor fresh(Supplier<Tensor> operation) {
        return fresh(operation, List::of);
    }

    <R> R fresh(Supplier<R> operation, Function<R, List<Tensor>> results) {
        R first = operation.get();
        for (Tensor result : results.apply(first)) {
            spoil(result).close();
        }
        return operation.get();
    }

    /** The middle columns of a wider activation. */
    record View(Tensor owner, Tensor columns) {}

    /** An activation as a view of columns; NaN stands beside it. */
    View view(Grid grid) {
        Grid wide = wide(grid, Double.NaN);
        Tensor owner = compute(wide);
        return new View(owner, columns(owner));
    }

    /** A view of columns that an operation is to write. */
    View target(int rows, int width) {
        Grid wide = wide(Grid.of(i -> Real.constant(Double.NaN), rows, width), BESIDE);
        Tensor owner = compute(wide);
        return new View(owner, columns(owner));
    }

    private static Tensor columns(Tensor owner) {
        return owner.columns(LEFT, owner.extent(-1) - RIGHT);
    }

    private static Grid wide(Grid grid, double beside) {
        int width = LEFT + grid.extent(-1) + RIGHT;
        Grid wide = Grid.of(i -> Real.constant(beside), grid.rows(), width);
        for (int row = 0; row < grid.rows(); row++) {
            System.arraycopy(grid.values(), row * grid.extent(-1), wide.values(), row * width + LEFT, grid.extent(-1));
        }
        return wide;
    }

    void assertClose(String what, View found, double[] wanted) {
        assertClose(what, found, wanted, 0);
    }

    /** As {@link #assertClose(String, double[], double[], double)}. */
    void assertClose(String what, View found, double[] wanted, double scale) {
        double[] wide = doubles(found.owner());
        int width = found.owner().extent(-1);
        int inner = found.columns().extent(-1);
        double[] values = new double[wanted.length];
        for (int i = 0; i < wide.length; i++) {
            int column = i % width - LEFT;
            if (column >= 0 && column < inner) {
                values[i / width * inner + column] = wide[i];
            } else {
                assertThat(wide[i]).as(what + ", beside the view").isEqualTo(BESIDE);
            }
        }
        assertClose(what, values, wanted, scale);
    }

    void assertClose(String what, Tensor found, Grid wanted) {
        assertClose(what, found, wanted.doubles());
    }

    void assertClose(String what, Tensor found, double[] wanted) {
        assertClose(what, doubles(found), wanted);
    }

    void assertClose(String what, double[] found, double[] wanted) {
        assertClose(what, found, wanted, 0);
    }

    /** Gradients of {@code scale} may cancel out to nothing: then errors are measured by what was summed. */
    void assertClose(String what, double[] found, double[] wanted, double scale) {
        assertThat(found).as(what).hasSameSizeAs(wanted);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
            difference += (found[i] - wanted[i]) * (found[i] - wanted[i]);
            norm += wanted[i] * wanted[i];
        }
        double error = difference == 0 ? 0 : Math.sqrt(difference / Math.max(norm, scale * scale));
        assertThat(error).as("relative error of " + what).isLessThanOrEqualTo(engineCase.tolerance());
    }

    @Override
    public void close() {
        engine.close();
    }
}
