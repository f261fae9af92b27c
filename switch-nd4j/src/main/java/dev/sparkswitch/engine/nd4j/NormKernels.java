package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Write;

/** Loops of the residual stream and the feed-forward layers; see {@link dev.sparkswitch.engine.Engine} for what they do. */
interface NormKernels {
    /** {@code sum} is {@code h} itself where {@code delta} is null. */
    void addNorm(
            HostTensor h,
            HostTensor delta,
            Dropout dropout,
            HostTensor weight,
            double epsilon,
            HostTensor sum,
            HostTensor normalized,
            HostTensor inverseRms);

    void addNormBackward(
            HostTensor dNormalized,
            HostTensor dSum,
            HostTensor sum,
            HostTensor inverseRms,
            HostTensor weight,
            HostTensor dWeight,
            Write write);

    void dropout(HostTensor x, Dropout dropout, HostTensor y);

    void activation(HostTensor x, Activation activation, Dropout dropout, HostTensor y);

    void activationBackward(HostTensor dy, HostTensor x, Activation activation, Dropout dropout, HostTensor dx);

    void embed(HostTensor ids, HostTensor table, Dropout dropout, HostTensor y);

    void embedBackward(HostTensor dy, HostTensor ids, HostTensor dTable, Dropout dropout);
}
