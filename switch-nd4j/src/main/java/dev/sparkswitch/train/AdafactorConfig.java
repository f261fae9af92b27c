package dev.sparkswitch.train;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.engine.AdafactorStep;

/**
 * Adafactor's constants (Shazeer and Stern 2018; the values of T5's released code).
 *
 * @param decayExponent the second moment's decay is {@code 1 - step^-exponent}
 * @param clip the largest RMS of an update
 * @param epsilon1 added to squared gradients
 * @param epsilon2 the least scale of a parameter
 * @param scaling what the learning rate is relative to: the parameter's RMS, as in T5, or nothing, as with Adam
 * @param minFactoredDim the second moments of a matrix are factored where both sides reach this
 */
public record AdafactorConfig(
        @Setting(value = "0.8", help = "decay of second moments is 1 - step^-exponent")
        double decayExponent,

        @Setting(value = "1.0", help = "largest RMS of an update")
        double clip,

        @Setting(value = "1e-30", help = "added to squared gradients")
        double epsilon1,

        @Setting(value = "1e-3", help = "least scale of a parameter")
        double epsilon2,

        @Setting(value = "parameter", help = "what the learning rate is relative to: parameter or none")
        AdafactorStep.Scaling scaling,

        @Setting(value = "128", help = "matrices are factored where both sides reach this")
        int minFactoredDim) {
    /** The values of T5's released code. */
    public static final AdafactorConfig T5 =
            new AdafactorConfig(0.8, 1.0, 1e-30, 1e-3, AdafactorStep.Scaling.PARAMETER, 128);
}
