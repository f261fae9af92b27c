package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.Sampling;
import java.util.Arrays;

/** In which order a token prefers experts, and which of them it chooses. Holds scratch memory: one for each thread. */
final class FloatPreference {
    private final RoutingPlan plan;
    private final int choices;
    private final float[] noisy;

    /** @param choices how many a token has at most */
    FloatPreference(RoutingPlan plan, int experts, int choices) {
        this.plan = plan;
        this.choices = choices;
        this.noisy = new float[plan.sampling().active() ? experts : 0];
    }

    /**
     * What a token's order goes by, the largest first: its probabilities, or their logarithms with noise. The array is
     * overwritten by the next call.
     */
    float[] of(int token, float[] probability) {
        Sampling sampling = plan.sampling();
        if (!sampling.active()) {
            return probability;
        }
        int experts = noisy.length;
        long first = (sampling.firstToken() + token) * experts;
        int[] words = RandomWords.of(sampling.source(), first, experts);
        for (int e = 0; e < experts; e++) {
            noisy[e] = (float) (Math.log(probability[e]) + Sampling.gumbel(words[e]));
        }
        return noisy;
    }

    /** The expert that follows {@code last} in the order, the first for -1; of equal ones the lower. -1 after the last. */
    static int after(float[] preference, int last) {
        int best = -1;
        for (int e = 0; e < preference.length; e++) {
            boolean follows =
                    last < 0 || preference[e] < preference[last] || (preference[e] == preference[last] && e > last);
            if (follows && (best < 0 || preference[e] > preference[best])) {
                best = e;
            }
        }
        return best;
    }

    /** Writes the token's choices to {@code chosen} from {@code at} on, best first, -1 where there are no more. */
    void choose(int token, float[] probability, int[] chosen, int at) {
        Arrays.fill(chosen, at, at + choices, -1);
        float[] preference = of(token, probability);
        double enough = plan.policy() instanceof RoutingPolicy.TopP top ? top.p() : Double.POSITIVE_INFINITY;
        float sum = 0;
        int last = -1;
        for (int c = 0; c < choices && sum < enough; c++) {
            last = after(preference, last);
            if (last < 0) {
                return;
            }
            chosen[at + c] = last;
            sum += probability[last];
        }
    }
}
