package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.AdamWStep;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Write;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/** {@link TrainingKernels} in float32. */
final class FloatTrainingKernels implements TrainingKernels {
    /** Elements summed together: fixed, so that sums do not depend on the number of threads. */
    private static final int BLOCK = 8192;

    private final HostThreads threads;

    FloatTrainingKernels(HostThreads threads) {
        this.threads = threads;
    }

    @Override
    public void fill(HostTensor tensor, double value) {
        FloatBuffer out = tensor.floats();
        float[] line = new float[(int) Math.min(BLOCK, tensor.size())];
        Arrays.fill(line, (float) value);
        for (int at = 0; at < tensor.size(); at += BLOCK) {
            out.put(at, line, 0, (int) Math.min(BLOCK, tensor.size() - at));
        }
    }

    @Override
    public void copy(HostTensor source, HostTensor target, Write write) {
        FloatBuffer in = source.floats();
        FloatBuffer out = target.floats();
        int size = (int) source.size();
        threads.range((size + BLOCK - 1) / BLOCK, size, (from, to) -> {
            float[] line = new float[BLOCK];
            float[] sum = new float[BLOCK];
            for (int block = from; block < to; block++) {
                int at = block * BLOCK;
                int n = Math.min(BLOCK, size - at);
                in.get(at, line, 0, n);
                if (write == Write.ADD) {
                    out.get(at, sum, 0, n);
                    FloatRows.addScaled(line, 1, sum, n);
                }
                out.put(at, line, 0, n);
            }
        });
    }

    @Override
    public void tokenLoss(HostTensor logits, HostTensor targets, int first, LossSettings settings, HostTensor losses) {
        int width = logits.extent(1);
        FloatBuffer in = logits.floats();
        IntBuffer wanted = targets.ints();
        FloatBuffer out = losses.floats();
        threads.range(logits.rows(), logits.size() * 4, (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                int target = wanted.get(first + r);
                if (target < 0) {
                    out.put(first + r, 0);
                } else {
                    in.get(r * width, row);
                    double wantedLogit = wanted(row, target, settings);
                    out.put(first + r, (float) loss(normalize(row), wantedLogit, settings));
                }
            }
        });
    }

    /** The mean of a row's logits over the wanted distribution. */
    static double wanted(float[] row, int target, LossSettings settings) {
        double smoothing = settings.labelSmoothing();
        double wanted = (1 - smoothing) * row[target];
        return smoothing > 0 ? wanted + smoothing * FloatRows.sum(row, row.length) / row.length : wanted;
    }

    /** Turns a row of logits into probabilities and returns the logarithm of the sum of their exponentials. */
    static double normalize(float[] row) {
        float max = FloatRows.max(row, row.length);
        float sum = FloatRows.expAndSum(row, max, row.length);
        FloatRows.scale(row, 1 / sum, row.length);
        return max + Math.log(sum);
    }

    private static double loss(double logSumExp, double wanted, LossSettings settings) {
        return logSumExp - wanted + settings.zLoss() * logSumExp * logSumExp;
    }

    @Override
    public void tokenLossGradient(
            HostTensor logits, HostTensor targets, int first, LossSettings settings, double weight, HostTensor losses) {
        int width = logits.extent(1);
        FloatBuffer values = logits.floats();
        IntBuffer wanted = targets.ints();
        FloatBuffer out = losses.floats();
        threads.range(logits.rows(), logits.size() * 4, (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                int target = wanted.get(first + r);
                if (target < 0) {
                    out.put(first + r, 0);
                    Arrays.fill(row, 0);
                } else {
                    values.get(r * width, row);
                    double wantedLogit = wanted(row, target, settings);
                    double logSumExp = normalize(row);
                    out.put(first + r, (float) loss(logSumExp, wantedLogit, settings));
                    double slope = weight * (1 + 2 * settings.zLoss() * logSumExp);
                    FloatRows.scale(row, (float) slope, width);
                    if (settings.labelSmoothing() > 0) {
                        float share = (float) (weight * settings.labelSmoothing() / width);
                        for (int i = 0; i < width; i++) {
                            row[i] -= share;
                        }
                    }
                    row[target] -= (float) (weight * (1 - settings.labelSmoothing()));
                }
                values.put(r * width, row);
            }
        });
    }

    @Override
    public double sumSquares(HostTensor tensor) {
        FloatBuffer in = tensor.floats();
        int size = (int) tensor.size();
        int blocks = (size + BLOCK - 1) / BLOCK;
        double[] partials = new double[blocks];
        threads.range(blocks, size, (from, to) -> {
            float[] line = new float[BLOCK];
            for (int block = from; block < to; block++) {
                int n = Math.min(BLOCK, size - block * BLOCK);
                in.get(block * BLOCK, line, 0, n);
                partials[block] = FloatRows.dot(line, line, n);
            }
        });
        double sum = 0;
        for (double partial : partials) {
            sum += partial;
        }
        return sum;
    }

    @Override
    public void adafactor(AdafactorStep step, AdafactorSlot slot) {
        HostTensor value = (HostTensor) slot.value();
        double size = value.size();
        double scale =
                switch (step.scaling()) {
                    case PARAMETER -> Math.max(step.epsilon2(), Math.sqrt(sumSquares(value) / size));
                    case NONE -> 1;
                };
        Updates updates = slot.factored() ? factored(step, slot) : unfactored(step, slot);
        int rows = value.rows();
        int width = value.extent(-1);
        double[] partials = new double[rows];
        threads.range(rows, value.size(), (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                updates.row(r, row);
                partials[r] = FloatRows.dot(row, row, width);
            }
        });
        double sum = 0;
        for (double partial : partials) {
            sum += partial;
        }
        double clip = Math.max(1, Math.sqrt(sum / size) / step.clip());
        float factor = (float) (-step.learningRate() * scale / clip);
        FloatBuffer values = value.floats();
        threads.range(rows, value.size(), (from, to) -> {
            float[] row = new float[width];
            float[] old = new float[width];
            for (int r = from; r < to; r++) {
                updates.row(r, row);
                values.get(r * width, old);
                FloatRows.addScaled(old, factor, row, width);
                values.put(r * width, old);
            }
        });
    }

    /** The unclipped updates of a parameter, row by row: computed twice rather than stored. */
    private interface Updates {
        void row(int row, float[] update);
    }

    private static Updates unfactored(AdafactorStep step, AdafactorSlot slot) {
        HostTensor gradient = (HostTensor) slot.gradient();
        int width = gradient.extent(-1);
        float decay = (float) step.decay();
        float fresh = (float) (1 - step.decay());
        float epsilon = (float) step.epsilon1();
        FloatBuffer gradients = gradient.floats();
        FloatBuffer moments = ((HostTensor) slot.rowMoments()).floats();
        float[] row = new float[width];
        float[] moment = new float[width];
        for (int r = 0; r < gradient.rows(); r++) {
            gradients.get(r * width, row);
            moments.get(r * width, moment);
            for (int i = 0; i < width; i++) {
                moment[i] = decay * moment[i] + fresh * (row[i] * row[i] + epsilon);
            }
            moments.put(r * width, moment);
        }
        return (r, update) -> {
            gradients.get(r * width, update);
            for (int i = 0; i < width; i++) {
                update[i] /= (float) Math.sqrt(moments.get(r * width + i));
            }
        };
    }

    private static Updates factored(AdafactorStep step, AdafactorSlot slot) {
        HostTensor gradient = (HostTensor) slot.gradient();
        int width = gradient.extent(-1);
        int height = gradient.extent(-2);
        int matrices = (int) (gradient.size() / width / height);
        float decay = (float) step.decay();
        float fresh = (float) (1 - step.decay());
        float epsilon = (float) step.epsilon1();
        FloatBuffer gradients = gradient.floats();
        float[] rowFactors = new float[matrices * height];
        float[] columnFactors = new float[matrices * width];
        FloatBuffer rowMoments = ((HostTensor) slot.rowMoments()).floats();
        FloatBuffer columnMoments = ((HostTensor) slot.columnMoments()).floats();
        float[] row = new float[width];
        for (int m = 0; m < matrices; m++) {
            float[] columns = new float[width];
            double meanOfRows = 0;
            for (int r = 0; r < height; r++) {
                int at = m * height + r;
                gradients.get(at * width, row);
                for (int i = 0; i < width; i++) {
                    row[i] = row[i] * row[i] + epsilon;
                    columns[i] += row[i];
                }
                float squares = FloatRows.sum(row, width) / width;
                float moment = decay * rowMoments.get(at) + fresh * squares;
                rowMoments.put(at, moment);
                rowFactors[at] = moment;
                meanOfRows += moment;
            }
            meanOfRows /= height;
            for (int r = m * height; r < (m + 1) * height; r++) {
                rowFactors[r] = (float) (1 / Math.sqrt(rowFactors[r] / meanOfRows));
            }
            for (int i = 0; i < width; i++) {
                int at = m * width + i;
                float moment = decay * columnMoments.get(at) + fresh * columns[i] / height;
                columnMoments.put(at, moment);
                columnFactors[at] = (float) (1 / Math.sqrt(moment));
            }
        }
        return (r, update) -> {
            gradients.get(r * width, update);
            int matrix = r / height;
            float factor = rowFactors[r];
            for (int i = 0; i < width; i++) {
                update[i] *= factor * columnFactors[matrix * width + i];
            }
        };
    }

    @Override
    public void adamw(AdamWStep step, AdamWSlot slot) {
        FloatBuffer values = ((HostTensor) slot.value()).floats();
        FloatBuffer gradients = ((HostTensor) slot.gradient()).floats();
        FloatBuffer firsts = ((HostTensor) slot.firstMoments()).floats();
        FloatBuffer seconds = ((HostTensor) slot.secondMoments()).floats();
        int size = (int) slot.value().size();
        float keep = (float) step.keep();
        float rate = (float) step.rate();
        float secondScale = (float) step.secondScale();
        float beta1 = (float) step.beta1();
        float beta2 = (float) step.beta2();
        float fresh1 = (float) (1 - step.beta1());
        float fresh2 = (float) (1 - step.beta2());
        float epsilon = (float) step.epsilon();
        threads.range((size + BLOCK - 1) / BLOCK, size, (from, to) -> {
            float[] value = new float[BLOCK];
            float[] gradient = new float[BLOCK];
            float[] first = new float[BLOCK];
            float[] second = new float[BLOCK];
            for (int block = from; block < to; block++) {
                int at = block * BLOCK;
                int n = Math.min(BLOCK, size - at);
                values.get(at, value, 0, n);
                gradients.get(at, gradient, 0, n);
                firsts.get(at, first, 0, n);
                seconds.get(at, second, 0, n);
                for (int i = 0; i < n; i++) {
                    first[i] = beta1 * first[i] + fresh1 * gradient[i];
                    second[i] = beta2 * second[i] + fresh2 * gradient[i] * gradient[i];
                    float root = (float) Math.sqrt(second[i]) * secondScale + epsilon;
                    value[i] = keep * value[i] - rate * first[i] / root;
                }
                values.put(at, value, 0, n);
                firsts.put(at, first, 0, n);
                seconds.put(at, second, 0, n);
            }
        });
    }
}
