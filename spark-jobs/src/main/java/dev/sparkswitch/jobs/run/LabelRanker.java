package dev.sparkswitch.jobs.run;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.SwitchTransformer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** How likely a model finds each label as the answer to an input, without drops, so whatever its neighbours are. */
final class LabelRanker {
    /** What becomes of the sum over a label's tokens, its end token among them. */
    enum Length {
        /** It is the log-likelihood of the label. */
        WHOLE,
        /** It is divided by the number of tokens, so that long labels are at no disadvantage. */
        DIVIDED
    }

    private final SwitchTransformer model;
    private final int rows;

    /** @param rows pairs of an input and a label that are computed together */
    LabelRanker(SwitchTransformer model, int rows) {
        this.model = model;
        this.rows = rows;
    }

    /**
     * The log-likelihoods.
     *
     * @param inputs [n] token ids with the end
     * @param labels [labels] token ids with the end
     * @return [n][labels] nats
     */
    double[][] likelihoods(int[][] inputs, int[][] labels, Length length) {
        double[][] likelihoods = new double[inputs.length][labels.length];
        // Pairs by the length of the input, so that batches waste little padding.
        int[] order = IntStream.range(0, inputs.length * labels.length)
                .boxed()
                .sorted(Comparator.comparingInt((Integer pair) -> -inputs[pair / labels.length].length)
                        .thenComparingInt(pair -> pair))
                .mapToInt(Integer::intValue)
                .toArray();
        for (int from = 0; from < order.length; from += rows) {
            int[] pairs = Arrays.copyOfRange(order, from, Math.min(order.length, from + rows));
            double[] sums = sums(pairs, inputs, labels);
            for (int i = 0; i < pairs.length; i++) {
                int label = pairs[i] % labels.length;
                double tokens =
                        switch (length) {
                            case WHOLE -> 1;
                            case DIVIDED -> labels[label].length;
                        };
                likelihoods[pairs[i] / labels.length][label] = sums[i] / tokens;
            }
        }
        return likelihoods;
    }

    private double[] sums(int[] pairs, int[][] inputs, int[][] labels) {
        int longest = 1;
        for (int pair : pairs) {
            longest = Math.max(longest, inputs[pair / labels.length].length);
        }
        int targets =
                Arrays.stream(labels).mapToInt(label -> label.length).max().orElse(1);
        int length = Answerer.bucket(longest);
        int[][] ids = new int[pairs.length][length];
        int[][] attention = new int[pairs.length][length];
        int[][] wanted = new int[pairs.length][targets];
        for (int row = 0; row < pairs.length; row++) {
            int[] input = inputs[pairs[row] / labels.length];
            int[] label = labels[pairs[row] % labels.length];
            Arrays.fill(ids[row], model.config().padId());
            System.arraycopy(input, 0, ids[row], 0, input.length);
            Arrays.fill(attention[row], 0, input.length, 1);
            Arrays.fill(wanted[row], HostBatch.IGNORED);
            System.arraycopy(label, 0, wanted[row], 0, label.length);
        }
        double[] sums = new double[pairs.length];
        HostBatch host = HostBatch.padded(ids, attention, wanted, model.config());
        try (Batch batch = Batch.upload(model.engine(), host);
                Tensor losses = model.tokenLosses(batch, Phase.GENERATE)) {
            double[] values = model.download(losses);
            for (int i = 0; i < values.length; i++) {
                sums[i / targets] -= values[i];
            }
        }
        return sums;
    }
}
