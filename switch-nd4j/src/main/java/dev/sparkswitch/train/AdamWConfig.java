package dev.sparkswitch.train;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;

/**
 * AdamW's constants (Loshchilov and Hutter 2019).
 *
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root of the second moment
 * @param weightDecay the share of a matrix that a learning rate of 1 takes away a step; norms and biases keep theirs
 */
public record AdamWConfig(
        @Setting(value = "0.9", help = "decay of the first moment")
        double beta1,

        @Setting(value = "0.999", help = "decay of the second moment")
        double beta2,

        @Setting(value = "1e-8", help = "added to the root of the second moment")
        double epsilon,

        @Setting(value = "0.01", help = "weight decay of matrices")
        double weightDecay) {
    public AdamWConfig {
        if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
            throw new UserException(
                    "adamw.beta1 and adamw.beta2 are " + beta1 + " and " + beta2 + ": they lie in [0, 1).");
        }
        if (!(epsilon > 0 && weightDecay >= 0)) {
            throw new UserException("adamw.epsilon and adamw.weight-decay are " + epsilon + " and " + weightDecay
                    + ": the first is above 0, the second at least 0.");
        }
    }
}
