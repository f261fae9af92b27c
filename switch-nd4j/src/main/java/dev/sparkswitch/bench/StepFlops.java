package dev.sparkswitch.bench;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.model.Stack;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;

/**
 * The arithmetic that a training step cannot do without, in floating-point operations, two for each product of elements: the
 * products of weights and those of attention, forward once and backward twice. Experts count the tokens that are sent to
 * them, not their slots; a causal query counts the keys that it may see; nothing that is computed again counts twice.
 */
final class StepFlops {
    /** A forward product and the two of its backward pass: of its input and of its weight. */
    private static final int PASSES = 3;

    private final T5Config config;
    private final int rows;
    private final int inputLength;
    private final int targetLength;

    private StepFlops(T5Config config, int rows, int inputLength, int targetLength) {
        this.config = config;
        this.rows = rows;
        this.inputLength = inputLength;
        this.targetLength = targetLength;
    }

    /** The operations of a step on {@code rows} full rows. */
    static double of(T5Config config, int rows, int inputLength, int targetLength) {
        return new StepFlops(config, rows, inputLength, targetLength).step();
    }

    /** The operations of one forward pass of attention: scores and their product with the values. */
    static double attention(AttentionShape shape) {
        double pairs =
                switch (shape.order()) {
                    case FULL -> (double) shape.queryLength() * shape.keyLength();
                    case CAUSAL -> shape.queryLength() * (shape.queryLength() + 1) / 2.0;
                };
        return 2 * 2 * pairs * shape.rows() * shape.width();
    }

    private double step() {
        double inputs = (double) rows * inputLength;
        double targets = (double) rows * targetLength;
        double projection = 2.0 * config.modelSize() * config.attentionSize();
        double sum = 2 * targets * config.vocabularySize() * config.modelSize();
        for (int layer = 0; layer < config.encoderLayers(); layer++) {
            sum += 4 * projection * inputs;
            sum += attention(inputLength, inputLength, AttentionShape.Order.FULL);
            sum += feedForward(Stack.ENCODER, layer, inputs);
        }
        for (int layer = 0; layer < config.decoderLayers(); layer++) {
            sum += 4 * projection * targets;
            sum += attention(targetLength, targetLength, AttentionShape.Order.CAUSAL);
            sum += 2 * projection * (inputs + targets);
            sum += attention(targetLength, inputLength, AttentionShape.Order.FULL);
            sum += feedForward(Stack.DECODER, layer, targets);
        }
        return PASSES * sum;
    }

    private double attention(int queries, int keys, AttentionShape.Order order) {
        return attention(new AttentionShape(rows, config.heads(), config.keySize(), queries, keys, order));
    }

    private double feedForward(Stack stack, int layer, double tokens) {
        int matrices =
                switch (config.feedForward()) {
                    case RELU -> 2;
                    case GATED_GELU -> 3;
                };
        double dense = 2.0 * matrices * tokens * config.modelSize() * config.feedForwardSize();
        if (!config.sparse(stack, layer)) {
            return dense;
        }
        SwitchConfig sparse = config.sparse().orElseThrow();
        return sparse.router().share() * dense + 2 * tokens * config.modelSize() * sparse.experts();
    }
}
