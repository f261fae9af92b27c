package dev.sparkswitch.generate;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.Decoding;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.util.Arrays;

/**
 * The targets that are still being written. When half of them have ended the rest go on in a batch of half the size: a smaller
 * cut would cost memory for every size there is.
 */
final class Lanes implements AutoCloseable {
    private final SwitchTransformer model;
    private final Batch batch;
    private final Decoding decoding;
    private final TokenRules rules;
    private final int rows;
    private final int most;
    private int needed;

    Lanes(SwitchTransformer model, HostBatch batch, GenerationConfig settings) {
        this.model = model;
        this.rows = batch.rows();
        this.most = batch.rows() * settings.beams();
        this.rules = new TokenRules(settings, model.config().eosId());
        this.batch = Batch.upload(model.engine(), batch);
        this.decoding = new Decoding(model, this.batch, settings.newTokens());
    }

    /** Input rows. */
    int rows() {
        return rows;
    }

    T5Config config() {
        return model.config();
    }

    /** The logits of several lanes. */
    record Step(double[] logits, int vocabulary) {
        Scores lane(int lane) {
            return new Scores(logits, lane * vocabulary, vocabulary);
        }
    }

    /**
     * Whether another step is to be taken: where ranks exchange tokens, as long as one of them has lanes.
     *
     * @param open this rank's lanes that are still being written
     */
    boolean goOn(int open) {
        needed = model.greatestInExchange(open);
        return needed > 0;
    }

    /**
     * Reads the next token of every lane, after {@link #goOn}.
     *
     * @param origins for each lane the one that it continues, by its place in the step before; at first its input row
     * @param tokens for each lane its newest token
     */
    Step step(int[] origins, int[] tokens) {
        int width = most;
        while (width > 1 && (width + 1) / 2 >= needed) {
            width = (width + 1) / 2;
        }
        // Lanes to spare repeat some lane's keys and values; nobody reads what comes of them.
        int[] lanes = Arrays.copyOf(origins, width);
        int[] ids = Arrays.copyOf(tokens, width);
        Arrays.fill(lanes, origins.length, width, origins.length == 0 ? 0 : origins[0]);
        Arrays.fill(
                ids, tokens.length, width, tokens.length == 0 ? model.config().padId() : tokens[0]);
        decoding.select(lanes);
        try (Tensor logits = decoding.step(ids)) {
            if (tokens.length == 0) {
                return new Step(new double[0], model.config().vocabularySize());
            }
            double[] values = model.download(logits.slice(0, tokens.length));
            return new Step(values, values.length / tokens.length);
        }
    }

    /** Forbids what may not come next in a lane. */
    void rule(Scores scores, int[] written, int length) {
        rules.apply(scores, written, length);
    }

    @Override
    public void close() {
        decoding.close();
        batch.close();
    }
}
