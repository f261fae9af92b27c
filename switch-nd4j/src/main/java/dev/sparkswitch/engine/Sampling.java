package dev.sparkswitch.engine;

import dev.sparkswitch.base.Philox;

/**
 * Noise on the order in which a token prefers experts: with independent Gumbel numbers added to the logarithms of the
 * probabilities the first of them is a sample of the softmax, and the first k are samples without replacement (Kool et al. 2019).
 * Gates stay the probabilities.
 *
 * @param source the random words; null for no noise
 * @param firstToken the global number of the batch's first token position: token t and expert e have the element number
 *     {@code (firstToken + t) * experts + e}, so that samples do not depend on how rows are spread over ranks
 */
public record Sampling(Philox source, long firstToken) {
    /** No noise. */
    public static final Sampling NONE = new Sampling(null, 0);

    /** Whether there is noise. */
    public boolean active() {
        return source != null;
    }

    /** The standard Gumbel number of a random word: -log(-log(u)), u = (word + 0.5) / 2^32. */
    public static double gumbel(int word) {
        return -Math.log(-Math.log(((word & 0xFFFFFFFFL) + 0.5) * 0x1p-32));
    }
}
