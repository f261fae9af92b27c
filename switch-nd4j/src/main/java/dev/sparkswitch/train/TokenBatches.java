package dev.sparkswitch.train;

import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.T5Config;
import java.util.Arrays;

/** Turns rows of tokens into what a model reads. */
public final class TokenBatches {
    private TokenBatches() {}

    /**
     * The model's batch: the decoder reads the targets shifted right inside each segment, padding is in no loss, and is
     * routed only where the model's configuration wants it (Hugging Face's mode).
     */
    public static HostBatch toHost(TokenBatch tokens, T5Config config) {
        int[] inputs = new int[tokens.rows() * tokens.inputLength()];
        int[] inputSegments = new int[inputs.length];
        int[] targets = new int[tokens.rows() * tokens.targetLength()];
        int[] targetSegments = new int[targets.length];
        int[] targetPositions = new int[targets.length];
        tokens.inputs().get(0, inputs);
        tokens.inputSegments().get(0, inputSegments);
        tokens.targets().get(0, targets);
        tokens.targetSegments().get(0, targetSegments);
        tokens.targetPositions().get(0, targetPositions);
        boolean routePadding =
                config.sparse().isPresent() && config.sparse().get().capacity().routePadding();
        int[] decoderInputs = new int[targets.length];
        for (int i = 0; i < targets.length; i++) {
            if (targetSegments[i] == 0) {
                decoderInputs[i] = config.padId();
            } else {
                decoderInputs[i] = targetPositions[i] == 0 ? config.decoderStartId() : targets[i - 1];
            }
        }
        int[] wanted = targets.clone();
        for (int i = 0; i < wanted.length; i++) {
            wanted[i] = targetSegments[i] == 0 ? HostBatch.IGNORED : wanted[i];
        }
        return new HostBatch(
                tokens.rows(),
                tokens.inputLength(),
                tokens.targetLength(),
                tokens.firstRow(),
                inputs,
                inputSegments,
                inputSegments,
                routed(inputSegments, routePadding),
                decoderInputs,
                targetSegments,
                targetSegments,
                routed(targetSegments, routePadding),
                wanted);
    }

    private static int[] routed(int[] segments, boolean routePadding) {
        int[] routed = new int[segments.length];
        Arrays.fill(routed, 1);
        if (!routePadding) {
            for (int i = 0; i < routed.length; i++) {
                routed[i] = segments[i] == 0 ? 0 : 1;
            }
        }
        return routed;
    }
}
