package dev.sparkswitch.engine;

/**
 * The settings of one step of AdamW (Loshchilov and Hutter 2019, algorithm 2, with the learning rate as the factor of the
 * decay, as in PyTorch).
 *
 * @param learningRate the step size
 * @param step the number of the step, from 1: corrects the moments' bias towards zero
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root of the second moment
 * @param weightDecay the share of a parameter that a learning rate of 1 takes away
 */
public record AdamWStep(
        double learningRate, long step, double beta1, double beta2, double epsilon, double weightDecay) {
    /** {@code 1 - learningRate * weightDecay}: what is left of a parameter before its update. */
    public double keep() {
        return 1 - learningRate * weightDecay;
    }

    /** The factor of {@code firstMoment / (sqrt(secondMoment) * secondScale + epsilon)} in the update. */
    public double rate() {
        return learningRate / (1 - Math.pow(beta1, step));
    }

    /** {@code 1 / sqrt(1 - beta2^step)}: the factor of the second moment's root. */
    public double secondScale() {
        return 1 / Math.sqrt(1 - Math.pow(beta2, step));
    }
}
