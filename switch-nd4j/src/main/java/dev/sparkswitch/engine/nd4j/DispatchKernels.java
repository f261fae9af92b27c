package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Routing;

/** Loops around routing that move rows; see {@link dev.sparkswitch.engine.Engine} for what they do. */
interface DispatchKernels {
    void routerInput(HostTensor x, Dropout noise, HostTensor y);

    void routerInputBackward(HostTensor dy, Dropout noise, HostTensor dx);

    void roundedToBf16(HostTensor x, HostTensor y);

    void dispatch(HostTensor x, Routing routing, HostTensor slots);

    /** y[t] = sum over t's slots of slots * gate; gates of 1 where {@code gates} is null. */
    void gather(HostTensor slots, Routing routing, HostTensor gates, HostTensor y);

    void combineBackward(HostTensor dy, HostTensor slots, Routing routing, HostTensor dSlots, HostTensor dGate);
}
