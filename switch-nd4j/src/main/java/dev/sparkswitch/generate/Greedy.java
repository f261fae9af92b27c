package dev.sparkswitch.generate;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.Decoding;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.util.Arrays;

/** Takes the most probable token at every step, ties to the lower id. */
public final class Greedy {
    private Greedy() {}

    /**
     * Continues every row until its end-of-sequence token or {@code maxTokens}.
     *
     * @param batch inputs; targets are not read
     * @param maxTokens the most new tokens a row
     * @return [rows][maxTokens] ids without the start token; the padding id after a row's end
     */
    public static int[][] generate(SwitchTransformer model, HostBatch batch, int maxTokens) {
        T5Config config = model.config();
        int rows = batch.rows();
        int[][] written = new int[rows][maxTokens];
        for (int[] row : written) {
            Arrays.fill(row, config.padId());
        }
        int[] last = new int[rows];
        Arrays.fill(last, config.decoderStartId());
        boolean[] ended = new boolean[rows];
        int open = rows;
        try (Batch uploaded = Batch.upload(model.engine(), batch);
                Decoding decoding = new Decoding(model, uploaded, maxTokens)) {
            for (int step = 0; step < maxTokens && open > 0; step++) {
                double[] logits;
                try (Tensor next = decoding.step(last)) {
                    logits = model.download(next);
                }
                int vocabulary = logits.length / rows;
                for (int row = 0; row < rows; row++) {
                    if (ended[row]) {
                        last[row] = config.padId();
                        continue;
                    }
                    last[row] = best(logits, row * vocabulary, vocabulary);
                    written[row][step] = last[row];
                    if (last[row] == config.eosId()) {
                        ended[row] = true;
                        open--;
                    }
                }
            }
        }
        return written;
    }

    private static int best(double[] logits, int from, int count) {
        int best = from;
        for (int i = from + 1; i < from + count; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best - from;
    }
}
