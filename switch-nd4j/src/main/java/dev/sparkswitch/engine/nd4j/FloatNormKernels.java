package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Write;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/** {@link NormKernels} in float32. */
final class FloatNormKernels implements NormKernels {
    /** Rows whose weight gradients are summed together: fixed, so that sums do not depend on the number of threads. */
    private static final int REDUCTION_ROWS = 256;

    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBIC = 0.044715;

    private final HostThreads threads;

    FloatNormKernels(HostThreads threads) {
        this.threads = threads;
    }

    @Override
    public void addNorm(
            HostTensor h,
            HostTensor delta,
            Dropout dropout,
            HostTensor weight,
            double epsilon,
            HostTensor sum,
            HostTensor normalized,
            HostTensor inverseRms) {
        int width = h.extent(-1);
        float[] scale = new float[width];
        weight.floats().get(0, scale);
        FloatBuffer in = h.floats();
        FloatBuffer added = delta == null ? null : delta.floats();
        FloatBuffer out = sum.floats();
        FloatBuffer normal = normalized.floats();
        FloatBuffer inverse = inverseRms.floats();
        threads.range(h.rows(), h.size(), (from, to) -> {
            float[] row = new float[width];
            float[] change = new float[width];
            for (int r = from; r < to; r++) {
                in.get(r * width, row);
                if (added != null) {
                    added.get(r * width, change);
                    FloatRows.drop(change, dropout, dropout.element(0, r, width), width);
                    FloatRows.addScaled(row, 1, change, width);
                    out.put(r * width, row);
                }
                double meanSquare = (double) FloatRows.dot(row, row, width) / width;
                float factor = (float) (1 / Math.sqrt(meanSquare + epsilon));
                inverse.put(r, factor);
                FloatRows.scale(row, factor, width);
                FloatRows.multiply(row, scale, width);
                normal.put(r * width, row);
            }
        });
    }

    @Override
    public void addNormBackward(
            HostTensor dNormalized,
            HostTensor dSum,
            HostTensor sum,
            HostTensor inverseRms,
            HostTensor weight,
            HostTensor dWeight,
            Write write) {
        int width = sum.extent(-1);
        int rows = sum.rows();
        int parts = (rows + REDUCTION_ROWS - 1) / REDUCTION_ROWS;
        float[] scale = new float[width];
        weight.floats().get(0, scale);
        FloatBuffer dy = dNormalized.floats();
        FloatBuffer dx = dSum.floats();
        FloatBuffer in = sum.floats();
        FloatBuffer inverse = inverseRms.floats();
        float[][] partials = new float[parts][width];
        threads.range(parts, sum.size(), (from, to) -> {
            float[] x = new float[width];
            float[] gradient = new float[width];
            float[] stream = new float[width];
            for (int r = from * REDUCTION_ROWS; r < Math.min(rows, to * REDUCTION_ROWS); r++) {
                float[] partial = partials[r / REDUCTION_ROWS];
                float factor = inverse.get(r);
                in.get(r * width, x);
                dy.get(r * width, gradient);
                dx.get(r * width, stream);
                FloatRows.scale(x, factor, width);
                for (int i = 0; i < width; i++) {
                    partial[i] += gradient[i] * x[i];
                    gradient[i] *= scale[i];
                }
                // d(x / rms) = (g - n * mean(g * n)) / rms with n the normalised row
                float projection = FloatRows.dot(gradient, x, width) / width;
                for (int i = 0; i < width; i++) {
                    stream[i] += factor * (gradient[i] - x[i] * projection);
                }
                dx.put(r * width, stream);
            }
        });
        float[] total = new float[width];
        FloatBuffer target = dWeight.floats();
        if (write == Write.ADD) {
            target.get(0, total);
        }
        for (float[] partial : partials) {
            FloatRows.addScaled(total, 1, partial, width);
        }
        target.put(0, total);
    }

    @Override
    public void dropout(HostTensor x, Dropout dropout, HostTensor y) {
        int width = x.extent(-1);
        FloatBuffer in = x.floats();
        FloatBuffer out = y.floats();
        threads.range(x.rows(), x.size(), (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                in.get(r * width, row);
                FloatRows.drop(row, dropout, dropout.element(0, r, width), width);
                out.put(r * width, row);
            }
        });
    }

    @Override
    public void activation(HostTensor x, Activation activation, Dropout dropout, HostTensor y) {
        int width = y.extent(-1);
        int rowsInPlane = y.axes() == 3 ? y.extent(1) : y.rows();
        FloatBuffer in = x.floats();
        FloatBuffer out = y.floats();
        threads.range(y.rows(), x.size(), (from, to) -> {
            float[] row = new float[width];
            float[] linear = new float[width];
            for (int r = from; r < to; r++) {
                switch (activation) {
                    case RELU -> {
                        in.get(r * width, row);
                        for (int i = 0; i < width; i++) {
                            row[i] = Math.max(row[i], 0);
                        }
                    }
                    case GATED_GELU -> {
                        in.get(2 * r * width, row);
                        in.get((2 * r + 1) * width, linear);
                        for (int i = 0; i < width; i++) {
                            row[i] = (float) (gelu(row[i]) * linear[i]);
                        }
                    }
                }
                FloatRows.drop(row, dropout, dropout.element(r / rowsInPlane, r % rowsInPlane, width), width);
                out.put(r * width, row);
            }
        });
    }

    @Override
    public void activationBackward(HostTensor dy, HostTensor x, Activation activation, Dropout dropout, HostTensor dx) {
        int width = dy.extent(-1);
        int rowsInPlane = dy.axes() == 3 ? dy.extent(1) : dy.rows();
        FloatBuffer dOut = dy.floats();
        FloatBuffer in = x.floats();
        FloatBuffer dIn = dx.floats();
        threads.range(dy.rows(), x.size(), (from, to) -> {
            float[] gradient = new float[width];
            float[] row = new float[width];
            float[] linear = new float[width];
            for (int r = from; r < to; r++) {
                dOut.get(r * width, gradient);
                FloatRows.drop(gradient, dropout, dropout.element(r / rowsInPlane, r % rowsInPlane, width), width);
                switch (activation) {
                    case RELU -> {
                        in.get(r * width, row);
                        FloatRows.keepWherePositive(gradient, row, width);
                        dIn.put(r * width, gradient);
                    }
                    case GATED_GELU -> {
                        in.get(2 * r * width, row);
                        in.get((2 * r + 1) * width, linear);
                        for (int i = 0; i < width; i++) {
                            double a = row[i];
                            row[i] = (float) (gradient[i] * linear[i] * geluSlope(a));
                            linear[i] = (float) (gradient[i] * gelu(a));
                        }
                        dIn.put(2 * r * width, row);
                        dIn.put((2 * r + 1) * width, linear);
                    }
                }
            }
        });
    }

    private static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)));
    }

    private static double geluSlope(double x) {
        double tanh = Math.tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));
        double inner = SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
        return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * inner;
    }

    @Override
    public void embed(HostTensor ids, HostTensor table, Dropout dropout, HostTensor y) {
        int width = table.extent(1);
        IntBuffer rows = ids.ints();
        FloatBuffer weights = table.floats();
        FloatBuffer out = y.floats();
        threads.range(y.rows(), y.size(), (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                weights.get(rows.get(r) * width, row);
                FloatRows.drop(row, dropout, dropout.element(0, r, width), width);
                out.put(r * width, row);
            }
        });
    }

    @Override
    public void embedBackward(HostTensor dy, HostTensor ids, HostTensor dTable, Dropout dropout) {
        int width = dTable.extent(1);
        IntBuffer rows = ids.ints();
        FloatBuffer gradients = dy.floats();
        FloatBuffer table = dTable.floats();
        float[] gradient = new float[width];
        float[] sum = new float[width];
        // One thread: rows repeat, and their order of summation is part of the result.
        for (int r = 0; r < dy.rows(); r++) {
            gradients.get(r * width, gradient);
            FloatRows.drop(gradient, dropout, dropout.element(0, r, width), width);
            int at = rows.get(r) * width;
            table.get(at, sum);
            FloatRows.addScaled(sum, 1, gradient, width);
            table.put(at, sum);
        }
    }
}
