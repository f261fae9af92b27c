package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Write;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/** {@link AttentionKernels} in float32. */
final class FloatAttentionKernels implements AttentionKernels {
    private final HostThreads threads;

    FloatAttentionKernels(HostThreads threads) {
        this.threads = threads;
    }

    @Override
    public void relativeBias(HostTensor table, RelativePositions positions, HostTensor bias) {
        int heads = table.extent(1);
        int keys = positions.keyLength();
        FloatBuffer weights = table.floats();
        FloatBuffer out = bias.floats();
        for (int head = 0; head < heads; head++) {
            for (int query = 0; query < positions.queryLength(); query++) {
                for (int key = 0; key < keys; key++) {
                    out.put(
                            (head * positions.queryLength() + query) * keys + key,
                            weights.get(positions.bucket(query, key) * heads + head));
                }
            }
        }
    }

    @Override
    public void relativeBiasGradient(HostTensor dBias, RelativePositions positions, HostTensor dTable, Write write) {
        int heads = dTable.extent(1);
        int keys = positions.keyLength();
        float[] sums = new float[positions.buckets() * heads];
        FloatBuffer in = dBias.floats();
        FloatBuffer target = dTable.floats();
        if (write == Write.ADD) {
            target.get(0, sums);
        }
        for (int head = 0; head < heads; head++) {
            for (int query = 0; query < positions.queryLength(); query++) {
                for (int key = 0; key < keys; key++) {
                    sums[positions.bucket(query, key) * heads + head] +=
                            in.get((head * positions.queryLength() + query) * keys + key);
                }
            }
        }
        target.put(0, sums);
    }

    @Override
    public void softmax(
            AttentionShape shape,
            int row,
            int head,
            HostTensor scores,
            HostTensor bias,
            HostTensor querySegments,
            HostTensor keySegments) {
        int queries = shape.queryLength();
        int keys = shape.keyLength();
        float[] line = new float[keys];
        float[] added = new float[keys];
        int[] segments = new int[keys];
        FloatBuffer values = scores.floats();
        FloatBuffer biases = bias == null ? null : bias.floats();
        IntBuffer ofQuery = querySegments.ints();
        keySegments.ints().get(row * keys, segments);
        for (int query = 0; query < queries; query++) {
            int at = (((row * shape.heads()) + head) * queries + query) * keys;
            values.get(at, line);
            if (biases != null) {
                biases.get((head * queries + query) * keys, added);
                FloatRows.addScaled(line, 1, added, keys);
            }
            int segment = ofQuery.get(row * queries + query);
            int visible = 0;
            for (int key = 0; key < keys; key++) {
                boolean sees = segments[key] != 0
                        && segments[key] == segment
                        && (shape.order() == AttentionShape.Order.FULL || key <= query);
                line[key] = sees ? line[key] : Float.NEGATIVE_INFINITY;
                visible += sees ? 1 : 0;
            }
            if (visible == 0) {
                Arrays.fill(line, 0);
            } else {
                float sum = FloatRows.expAndSum(line, FloatRows.max(line, keys), keys);
                FloatRows.scale(line, 1 / sum, keys);
            }
            values.put(at, line);
        }
    }

    @Override
    public void dropProbabilities(
            AttentionShape shape, int row, int head, HostTensor source, Dropout dropout, HostTensor dropped) {
        int keys = shape.keyLength();
        int first = (row * shape.heads() + head) * shape.queryLength();
        float[] line = new float[keys];
        FloatBuffer in = source.floats();
        FloatBuffer out = dropped.floats();
        for (int r = first; r < first + shape.queryLength(); r++) {
            in.get(r * keys, line);
            FloatRows.drop(line, dropout, dropout.element(0, r, keys), keys);
            out.put(r * keys, line);
        }
    }

    @Override
    public void softmaxBackward(
            AttentionShape shape, int row, int head, HostTensor probabilities, Dropout dropout, HostTensor gradient) {
        int keys = shape.keyLength();
        int first = (row * shape.heads() + head) * shape.queryLength();
        float[] probability = new float[keys];
        float[] line = new float[keys];
        FloatBuffer in = probabilities.floats();
        FloatBuffer out = gradient.floats();
        for (int r = first; r < first + shape.queryLength(); r++) {
            in.get(r * keys, probability);
            out.get(r * keys, line);
            FloatRows.drop(line, dropout, dropout.element(0, r, keys), keys);
            float projection = FloatRows.dot(line, probability, keys);
            for (int key = 0; key < keys; key++) {
                line[key] = probability[key] * (line[key] - projection);
            }
            out.put(r * keys, line);
        }
    }

    @Override
    public void addBiasGradient(AttentionShape shape, HostTensor dScores, HostTensor dBias) {
        int keys = shape.keyLength();
        int lines = shape.heads() * shape.queryLength();
        FloatBuffer in = dScores.floats();
        FloatBuffer out = dBias.floats();
        threads.range(lines, dScores.size(), (from, to) -> {
            float[] sum = new float[keys];
            float[] line = new float[keys];
            for (int l = from; l < to; l++) {
                out.get(l * keys, sum);
                for (int row = 0; row < shape.rows(); row++) {
                    in.get((row * lines + l) * keys, line);
                    FloatRows.addScaled(sum, 1, line, keys);
                }
                out.put(l * keys, sum);
            }
        });
    }
}
