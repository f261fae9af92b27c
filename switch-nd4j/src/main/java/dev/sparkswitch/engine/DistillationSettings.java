package dev.sparkswitch.engine;

/**
 * How a student's loss is made of the data's targets and a teacher's (Switch Transformer, section 4.2; Hinton et al. 2015).
 *
 * @param hard how the cross-entropy with the data's targets is taken
 * @param softShare alpha, the weight of the cross-entropy with the teacher's distribution; that of the data's targets weighs
 *     {@code 1 - alpha}
 * @param temperature T, which both distributions of the soft part are taken at
 */
public record DistillationSettings(LossSettings hard, double softShare, double temperature) {
    public DistillationSettings {
        if (!(softShare >= 0 && softShare <= 1) || !(temperature > 0) || !Double.isFinite(temperature)) {
            throw new IllegalArgumentException(
                    "a share of " + softShare + " must lie in [0, 1], a temperature of " + temperature + " be above 0");
        }
    }
}
