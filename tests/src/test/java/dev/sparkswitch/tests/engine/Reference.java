package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.RelativePositions;
import java.util.ArrayList;
import java.util.List;

/**
 * The operations of {@link dev.sparkswitch.engine.Engine} as its documentation states them: plain loops over numbers that
 * know their own derivatives. Slow, and meant to be read beside the documentation.
 */
final class Reference {
    private Reference() {}

    // Products

    static Grid linear(Grid x, Grid w) {
        Grid y = Grid.zeros(x.rows(), w.rows());
        for (int t = 0; t < x.rows(); t++) {
            for (int o = 0; o < w.rows(); o++) {
                Real sum = Real.ZERO;
                for (int i = 0; i < w.extent(-1); i++) {
                    sum = sum.plus(x.at(t, i).times(w.at(o, i)));
                }
                y.set(t, o, sum);
            }
        }
        return y;
    }

    /** Entry {@code e} of the first of three axes. */
    private static Grid matrix(Grid grid, int e) {
        int size = grid.extent(1) * grid.extent(2);
        return Grid.of(i -> grid.values()[e * size + i], grid.extent(1), grid.extent(2));
    }

    static Grid groupedLinear(Grid x, Grid w) {
        List<Real> values = new ArrayList<>();
        for (int e = 0; e < x.extent(0); e++) {
            values.addAll(List.of(linear(matrix(x, e), matrix(w, e)).values()));
        }
        return new Grid(new int[] {x.extent(0), x.extent(1), w.extent(1)}, values.toArray(Real[]::new));
    }

    static Grid scaled(Grid x, double factor) {
        return Grid.of(i -> x.values()[i].times(factor), x.shape());
    }

    // Residual stream

    private static Real drop(Real x, Dropout dropout, long element) {
        if (dropout.rate() == 0) {
            return x;
        }
        long word = Integer.toUnsignedLong(dropout.source().bits(element / 2));
        long bits = element % 2 == 0 ? word % 65_536 : word / 65_536;
        double rate = Math.round(dropout.rate() * 65_536) / 65_536.0;
        return bits >= rate * 65_536 ? x.times(1 / (1 - rate)) : Real.ZERO;
    }

    /** Dropout of x taken as [planes, rows, width]. */
    static Grid dropout(Grid x, int planes, Dropout dropout) {
        int width = x.extent(-1);
        int rows = x.rows() / planes;
        Grid y = Grid.zeros(x.shape());
        for (int p = 0; p < planes; p++) {
            for (int r = 0; r < rows; r++) {
                for (int j = 0; j < width; j++) {
                    long element =
                            ((dropout.firstRow() + r) * dropout.totalPlanes() + dropout.firstPlane() + p) * width + j;
                    y.set(p * rows + r, j, drop(x.at(p * rows + r, j), dropout, element));
                }
            }
        }
        return y;
    }

    record Normalized(Grid sum, Grid normalized, Grid inverseRms) {}

    static Normalized addNorm(Grid h, Grid delta, Dropout dropout, Grid weight, double epsilon) {
        Grid sum = h;
        if (delta != null) {
            Grid dropped = dropout(delta, 1, dropout);
            sum = Grid.of(i -> h.values()[i].plus(dropped.values()[i]), h.shape());
        }
        Grid normalized = Grid.zeros(h.shape());
        Grid inverseRms = Grid.zeros(h.rows());
        for (int r = 0; r < h.rows(); r++) {
            Real squares = Real.ZERO;
            for (int j = 0; j < h.extent(-1); j++) {
                squares = squares.plus(sum.at(r, j).square());
            }
            Real rms = squares.times(1.0 / h.extent(-1)).plus(epsilon).squareRoot();
            inverseRms.values()[r] = Real.constant(1).over(rms);
            for (int j = 0; j < h.extent(-1); j++) {
                normalized.set(r, j, sum.at(r, j).over(rms).times(weight.values()[j]));
            }
        }
        return new Normalized(sum, normalized, inverseRms);
    }

    // Attention

    static Grid relativeBias(Grid table, RelativePositions positions) {
        int heads = table.extent(1);
        int queries = positions.queryLength();
        Grid bias = Grid.zeros(heads, queries + positions.keyLength() - 1);
        for (int head = 0; head < heads; head++) {
            for (int query = 0; query < queries; query++) {
                for (int key = 0; key < positions.keyLength(); key++) {
                    bias.set(head, key - query + queries - 1, table.at(positions.bucket(query, key), head));
                }
            }
        }
        return bias;
    }

    /** softmax of the numbers at which {@code visible} is true, 0 elsewhere. */
    static Real[] softmax(Real[] x, boolean[] visible) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < x.length; i++) {
            max = visible[i] ? Math.max(max, x[i].value()) : max;
        }
        Real sum = Real.ZERO;
        Real[] result = new Real[x.length];
        for (int i = 0; i < x.length; i++) {
            result[i] = visible[i] ? x[i].plus(-max).exp() : Real.ZERO;
            sum = sum.plus(result[i]);
        }
        for (int i = 0; i < x.length; i++) {
            result[i] = visible[i] ? result[i].over(sum) : Real.ZERO;
        }
        return result;
    }

    static Grid attention(
            AttentionShape shape,
            Grid q,
            Grid k,
            Grid v,
            Grid bias,
            int[] querySegments,
            int[] keySegments,
            Dropout dropout) {
        int queries = shape.queryLength();
        int keys = shape.keyLength();
        int size = shape.headSize();
        Grid result = Grid.zeros(shape.rows() * queries, shape.heads() * size);
        for (int row = 0; row < shape.rows(); row++) {
            for (int head = 0; head < shape.heads(); head++) {
                for (int query = 0; query < queries; query++) {
                    Real[] scores = new Real[keys];
                    boolean[] visible = new boolean[keys];
                    for (int key = 0; key < keys; key++) {
                        int segment = querySegments[row * queries + query];
                        visible[key] = segment != 0
                                && segment == keySegments[row * keys + key]
                                && (shape.order() == AttentionShape.Order.FULL || key <= query);
                        scores[key] = bias == null ? Real.ZERO : bias.at(head, key - query + queries - 1);
                        for (int i = head * size; i < (head + 1) * size; i++) {
                            scores[key] = scores[key].plus(
                                    q.at(row * queries + query, i).times(k.at(row * keys + key, i)));
                        }
                    }
                    Real[] probabilities = softmax(scores, visible);
                    long number = ((long) row * shape.heads() + head) * queries + query;
                    for (int key = 0; key < keys; key++) {
                        long element =
                                ((dropout.firstRow() + number) * dropout.totalPlanes() + dropout.firstPlane()) * keys
                                        + key;
                        Real probability = drop(probabilities[key], dropout, element);
                        for (int i = head * size; i < (head + 1) * size; i++) {
                            int at = row * queries + query;
                            result.set(at, i, result.at(at, i).plus(probability.times(v.at(row * keys + key, i))));
                        }
                    }
                }
            }
        }
        return result;
    }

    // Feed-forward

    static Grid activation(Grid x, Activation activation, Dropout dropout) {
        int width = x.extent(-1) / activation.branches();
        int[] shape = x.shape().clone();
        shape[shape.length - 1] = width;
        Grid y = Grid.zeros(shape);
        for (int r = 0; r < y.rows(); r++) {
            for (int j = 0; j < width; j++) {
                y.set(
                        r,
                        j,
                        switch (activation) {
                            case RELU -> x.at(r, j).value() > 0 ? x.at(r, j) : Real.ZERO;
                            case GATED_GELU -> gelu(x.at(r, j)).times(x.at(r, width + j));
                        });
            }
        }
        return dropout(y, shape.length == 3 ? shape[0] : 1, dropout);
    }

    private static Real gelu(Real x) {
        Real inner = x.plus(x.square().times(x).times(0.044715)).times(Math.sqrt(2 / Math.PI));
        return x.times(0.5).times(inner.tanh().plus(1));
    }

    // Embedding and loss

    static Grid embed(int[] ids, Grid table, Dropout dropout) {
        Grid y = Grid.zeros(ids.length, table.extent(1));
        for (int t = 0; t < ids.length; t++) {
            for (int j = 0; j < table.extent(1); j++) {
                y.set(t, j, table.at(ids[t], j));
            }
        }
        return dropout(y, 1, dropout);
    }

    static Real logSumExp(Grid logits, int row) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < logits.extent(-1); i++) {
            max = Math.max(max, logits.at(row, i).value());
        }
        Real sum = Real.ZERO;
        for (int i = 0; i < logits.extent(-1); i++) {
            sum = sum.plus(logits.at(row, i).plus(-max).exp());
        }
        return sum.log().plus(max);
    }

    static Grid tokenLoss(Grid hidden, Grid w, int[] targets, LossSettings settings) {
        Grid logits = scaled(linear(hidden, w), settings.logitScale());
        int vocabulary = w.extent(0);
        Grid losses = Grid.zeros(targets.length);
        for (int t = 0; t < targets.length; t++) {
            if (targets[t] < 0) {
                continue;
            }
            Real logSumExp = logSumExp(logits, t);
            Real loss = logSumExp.square().times(settings.zLoss());
            for (int i = 0; i < vocabulary; i++) {
                double share =
                        settings.labelSmoothing() / vocabulary + (i == targets[t] ? 1 - settings.labelSmoothing() : 0);
                loss = loss.plus(logSumExp.minus(logits.at(t, i)).times(share));
            }
            losses.values()[t] = loss;
        }
        return losses;
    }

    /** The distributions of rows of logits at a temperature. */
    static double[][] softened(Grid hidden, Grid w, double scale, double temperature) {
        Grid logits = scaled(linear(hidden, w), scale / temperature);
        double[][] rows = new double[hidden.extent(0)][w.extent(0)];
        for (int t = 0; t < rows.length; t++) {
            double logSum = logSumExp(logits, t).value();
            for (int i = 0; i < rows[t].length; i++) {
                rows[t][i] = Math.exp(logits.at(t, i).value() - logSum);
            }
        }
        return rows;
    }

    /** The loss of a student: (1 - alpha) CE(target, q) + alpha T^2 CE(p, q_T) + z-loss. */
    static Grid distillation(Grid hidden, Grid w, int[] targets, double[][] teacher, DistillationSettings settings) {
        LossSettings hard = settings.hard();
        double temperature = settings.temperature();
        Grid losses = tokenLoss(hidden, w, targets, new LossSettings(hard.logitScale(), hard.labelSmoothing(), 0));
        Grid logits = scaled(linear(hidden, w), hard.logitScale());
        Grid tempered = scaled(logits, 1 / temperature);
        for (int t = 0; t < targets.length; t++) {
            if (targets[t] < 0) {
                continue;
            }
            Real soft = Real.ZERO;
            Real logSum = logSumExp(tempered, t);
            for (int i = 0; i < w.extent(0); i++) {
                soft = soft.plus(logSum.minus(tempered.at(t, i)).times(teacher[t][i]));
            }
            losses.values()[t] = losses.values()[t]
                    .times(1 - settings.softShare())
                    .plus(logSumExp(logits, t).square().times(hard.zLoss()))
                    .plus(soft.times(settings.softShare() * temperature * temperature));
        }
        return losses;
    }

    // Routing

    static Grid routerInput(Grid x, Dropout noise) {
        if (noise.rate() == 0) {
            return x;
        }
        return Grid.of(
                i -> {
                    double uniform = noise.source().uniform(noise.firstRow() * x.extent(-1) + i);
                    return x.values()[i].times(1 - noise.rate() + 2 * noise.rate() * uniform);
                },
                x.shape());
    }

    // Memory

    static double[] swapLeading(double[] source, int a, int b) {
        int rest = source.length / (a * b);
        double[] target = new double[source.length];
        for (int i = 0; i < a; i++) {
            for (int j = 0; j < b; j++) {
                for (int k = 0; k < rest; k++) {
                    target[(j * a + i) * rest + k] = source[(i * b + j) * rest + k];
                }
            }
        }
        return target;
    }

    // Rounding

    /** The nearest number of eight significant bits, ties to even. */
    static double nearestBfloat16(double x) {
        double unit = Math.scalb(1.0, Math.getExponent(x) - 7);
        return x == 0 ? x : Math.rint(x / unit) * unit;
    }

    /** Whether numbers that are a little off x become the same bfloat16. */
    static boolean roundsSafely(double x) {
        return x == 0 || nearestBfloat16(x * (1 - 1e-5)) == nearestBfloat16(x * (1 + 1e-5));
    }
}
