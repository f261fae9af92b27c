package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.AdamWStep;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Write;

/** Loops of the loss, the optimizer and plain copies; see {@link dev.sparkswitch.engine.Engine} for what they do. */
interface TrainingKernels {
    void fill(HostTensor tensor, double value);

    void copy(HostTensor source, HostTensor target, Write write);

    /** Losses of the rows of {@code logits} [n, V]; targets and losses from {@code first} on. */
    void tokenLoss(HostTensor logits, HostTensor targets, int first, LossSettings settings, HostTensor losses);

    /** {@link #tokenLoss}, and the logits become {@code weight} times the gradient of the sum of the losses. */
    void tokenLossGradient(
            HostTensor logits, HostTensor targets, int first, LossSettings settings, double weight, HostTensor losses);

    double sumSquares(HostTensor tensor);

    void adafactor(AdafactorStep step, AdafactorSlot slot);

    void adamw(AdamWStep step, AdamWSlot slot);
}
