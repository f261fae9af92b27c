package dev.sparkswitch.bench;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.Stack;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;

/**
 * The arithmetic that a training step cannot do without, in floating-point operations, two for each product of elements: the
 * products of weights and those of attention, forward once and backward twice. Experts count the tokens that are sent to
 * them, not their slots; a causal query counts the keys that it may see; nothing that is computed again counts twice.
 */
public final class StepFlops {
    /** What counts as arithmetic of a forward pass. */
    private enum Convention {
        /** All products that there are. */
        ALL,
        /** Those of table 9 of the Switch Transformer paper; see {@link #asInThePaper}. */
        PAPER
    }

    /** A forward product and the two of its backward pass: of its input and of its weight. */
    private static final int PASSES = 3;

    private final T5Config config;
    private final int rows;
    private final int inputLength;
    private final int targetLength;
    private final Convention convention;

    private StepFlops(T5Config config, int rows, int inputLength, int targetLength, Convention convention) {
        this.config = config;
        this.rows = rows;
        this.inputLength = inputLength;
        this.targetLength = targetLength;
        this.convention = convention;
    }

    /** The operations of a step on {@code rows} full rows. */
    public static double of(T5Config config, int rows, int inputLength, int targetLength) {
        return PASSES * new StepFlops(config, rows, inputLength, targetLength, Convention.ALL).forward();
    }

    /**
     * The operations of one sequence as table 9 of the Switch Transformer paper counts them: a forward pass without head and
     * routers, in which cross-attention's keys and values are made of targets, not of inputs. No convention fits the table's
     * rows exactly; this one comes within 4% of each at 512 inputs and 114 targets.
     */
    public static double asInThePaper(T5Config config, int inputLength, int targetLength) {
        return new StepFlops(config, 1, inputLength, targetLength, Convention.PAPER).forward();
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

    private double forward() {
        double inputs = (double) rows * inputLength;
        double targets = (double) rows * targetLength;
        double projection = 2.0 * config.modelSize() * config.attentionSize();
        double remembered =
                switch (convention) {
                    case ALL -> inputs;
                    case PAPER -> targets;
                };
        double sum = head(targets);
        for (int layer = 0; layer < config.encoderLayers(); layer++) {
            sum += selfAttention(Stack.ENCODER, layer, inputs, projection);
            sum += attention(inputLength, inputLength, AttentionShape.Order.FULL);
            sum += feedForward(Stack.ENCODER, layer, inputs);
        }
        for (int layer = 0; layer < config.decoderLayers(); layer++) {
            sum += selfAttention(Stack.DECODER, layer, targets, projection);
            sum += attention(targetLength, targetLength, AttentionShape.Order.CAUSAL);
            sum += 2 * projection * (remembered + targets);
            sum += attention(targetLength, inputLength, AttentionShape.Order.FULL);
            sum += feedForward(Stack.DECODER, layer, targets);
        }
        return sum;
    }

    private double head(double targets) {
        return switch (convention) {
            case ALL -> 2 * targets * config.vocabularySize() * config.modelSize();
            case PAPER -> 0;
        };
    }

    private double attention(int queries, int keys, AttentionShape.Order order) {
        return attention(new AttentionShape(rows, config.heads(), config.keySize(), queries, keys, order));
    }

    /** The projections of queries, keys, values and result, and a router where experts make them. */
    private double selfAttention(Stack stack, int layer, double tokens, double projection) {
        double dense = 4 * projection * tokens;
        if (!config.sparse(stack, layer) || config.sparse().orElseThrow().attention() == AttentionForm.DENSE) {
            return dense;
        }
        SwitchConfig sparse = config.sparseLayer(stack, layer);
        return sparse.router().share() * dense + router(sparse, tokens);
    }

    private double feedForward(Stack stack, int layer, double tokens) {
        int matrices =
                switch (config.feedForward()) {
                    case RELU -> 2;
                    case GATED_GELU -> 3;
                };
        double unit = 2.0 * matrices * tokens * config.modelSize();
        if (!config.sparse(stack, layer)) {
            return unit * config.feedForwardSize();
        }
        SwitchConfig sparse = config.sparseLayer(stack, layer);
        return sparse.router().share() * unit * meanWidth(sparse) + router(sparse, tokens);
    }

    /** The width that a token meets on average: wider experts take more tokens, in proportion. */
    private double meanWidth(SwitchConfig sparse) {
        double sum = 0;
        double squares = 0;
        for (int expert = 0; expert < sparse.experts(); expert++) {
            double width = config.expertWidth(expert);
            sum += width;
            squares += width * width;
        }
        return squares / sum;
    }

    private double router(SwitchConfig sparse, double tokens) {
        boolean counts = convention == Convention.ALL && !(sparse.router() instanceof RouterConfig.Hash);
        return counts ? 2 * tokens * config.modelSize() * sparse.experts() : 0;
    }
}
