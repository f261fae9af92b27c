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
        int distances = positions.distances();
        FloatBuffer weights = table.floats();
        FloatBuffer out = bias.floats();
        for (int column = 0; column < distances; column++) {
            int bucket = positions.bucket(column);
            for (int head = 0; head < heads; head++) {
                out.put(head * distances + column, weights.get(bucket * heads + head));
            }
        }
    }

    @Override
    public void relativeBiasGradient(HostTensor dBias, RelativePositions positions, HostTensor dTable, Write write) {
        int heads = dTable.extent(1);
        int distances = positions.distances();
        float[] sums = new float[positions.buckets() * heads];
        FloatBuffer in = dBias.floats();
        FloatBuffer target = dTable.floats();
        if (write == Write.ADD) {
            target.get(0, sums);
        }
        for (int column = 0; column < distances; column++) {
            int bucket = positions.bucket(column);
            for (int head = 0; head < heads; head++) {
                sums[bucket * heads + head] += in.get(head * distances + column);
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
                biases.get(head * (queries + keys - 1) + queries - 1 - query, added);
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
        int queries = shape.queryLength();
        int keys = shape.keyLength();
        int distances = queries + keys - 1;
        FloatBuffer in = dScores.floats();
        FloatBuffer out = dBias.floats();
        threads.range(shape.heads(), dScores.size(), (from, to) -> {
            float[] total = new float[distances];
            float[] ofRow = new float[distances];
            float[] line = new float[keys];
            for (int head = from; head < to; head++) {
                out.get(head * distances, total);
                for (int row = 0; row < shape.rows(); row++) {
                    Arrays.fill(ofRow, 0);
                    for (int query = 0; query < queries; query++) {
                        in.get(((row * shape.heads() + head) * queries + query) * keys, line);
                        int first = queries - 1 - query;
                        for (int key = 0; key < keys; key++) {
                            ofRow[first + key] += line[key];
                        }
                    }
                    FloatRows.addScaled(total, 1, ofRow, distances);
                }
                out.put(head * distances, total);
            }
        });
    }
}
