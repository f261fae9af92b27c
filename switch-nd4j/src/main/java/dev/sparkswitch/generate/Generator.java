package dev.sparkswitch.generate;

import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.SwitchTransformer;

/** Writes the targets of a batch of inputs. */
public final class Generator {
    private Generator() {}

    /**
     * Writes until every row has ended. What a row gets does not depend on its neighbours.
     *
     * @param batch inputs; targets are not read
     * @param rowIds a number for each row, which sampling is keyed by
     * @return for each row its tokens without the start, the end token last unless the greatest length came first
     * @throws dev.sparkswitch.base.UserException where the settings do not go with the model
     */
    public static int[][] generate(SwitchTransformer model, HostBatch batch, long[] rowIds, GenerationConfig settings) {
        if (rowIds.length != batch.rows()) {
            throw new IllegalArgumentException(rowIds.length + " row ids for " + batch.rows() + " rows");
        }
        settings.requireFit(model.config());
        try (Lanes lanes = new Lanes(model, batch, settings)) {
            return switch (settings.mode()) {
                case GREEDY -> TokenByToken.write(lanes, settings, (logits, row, position) -> logits.best());
                case SAMPLE -> {
                    Sampler sampler = new Sampler(settings);
                    yield TokenByToken.write(
                            lanes, settings, (logits, row, position) -> sampler.draw(logits, rowIds[row], position));
                }
                case BEAM -> BeamSearch.write(lanes, settings);
            };
        }
    }
}
