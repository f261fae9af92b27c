package dev.sparkswitch.engine;

/**
 * The settings of one step of Adafactor (Shazeer and Stern 2018, algorithms 4 and 5; T5's variant).
 *
 * @param learningRate the relative step size
 * @param decay the second moment's decay at this step: {@code 1 - step^-0.8} with steps from 1
 * @param epsilon1 added to squared gradients
 * @param epsilon2 the least scale of a parameter
 * @param clip the largest RMS of an update
 * @param scaling what the learning rate is relative to
 */
public record AdafactorStep(
        double learningRate, double decay, double epsilon1, double epsilon2, double clip, Scaling scaling) {
    /** What a learning rate is relative to. */
    public enum Scaling {
        /** The parameter's RMS, at least epsilon2: the relative step sizes of T5. */
        PARAMETER,
        /** Nothing: absolute step sizes, as with Adam. */
        NONE
    }
}
