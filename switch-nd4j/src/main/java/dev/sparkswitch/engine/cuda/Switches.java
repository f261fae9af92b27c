package dev.sparkswitch.engine.cuda;

import java.util.List;

/**
 * Ways of computing that can be turned off, to compare or to go round a fault: the system property
 * {@code sparkswitch.cuda.off} names them, with commas between.
 */
final class Switches {
    static final String PROPERTY = "sparkswitch.cuda.off";

    /** Operations that are started together where they have been asked for before. */
    static final String GRAPHS = "graphs";

    /** Adafactor of large matrices by groups of blocks that keep a gradient in shared memory. */
    static final String ADAFACTOR_GROUPS = "adafactor-groups";

    /** The next gradient, which groups of blocks ask for while they apply one. */
    static final String ADAFACTOR_PREFETCH = "adafactor-prefetch";

    /** Algorithms of large products by timing several. */
    static final String PRODUCT_TIMES = "product-times";

    /** A mask of bits that ReLU keeps for its backward pass instead of its input. */
    static final String RELU_MASKS = "relu-masks";

    /** Gradients of projections, experts' among them, in bfloat16. */
    static final String NARROW_GRADIENTS = "narrow-gradients";

    /** A backward pass of attention that keeps the gradients of scores instead of computing them twice. */
    static final String SCORE_GRADIENTS = "score-gradients";

    /** Tokens that cards of one process copy into each other's memory, where the experts read them. */
    static final String CARD_COPIES = "card-copies";

    /** Masks of attention's dropout that are drawn beside the update before the step that needs them. */
    static final String MASKS_AHEAD = "masks-ahead";

    /** Sums of squares of gradients by the optimizer's steps, which read them anyway. */
    static final String STEP_SQUARES = "step-squares";

    /** Norms of rows that are whole eights long by kernels of their own, which ask for a row before they need it. */
    static final String WIDE_NORMS = "wide-norms";

    /** The router's products by bfloat16 tensor cores, in float32's precision. */
    static final String ROUTER_PRODUCTS = "router-products";

    /** The gradient of the router's input, which is kept in bfloat16, by two parts of each factor instead of three. */
    static final String ROUTER_TWO_PARTS = "router-two-parts";

    private Switches() {}

    /** Whether nobody has turned it off. */
    static boolean isOn(String name) {
        return !List.of(System.getProperty(PROPERTY, "").split(",")).contains(name);
    }
}
