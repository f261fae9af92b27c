package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Routing;

/** Loops of routing; see {@link dev.sparkswitch.engine.Engine} for what they do. */
interface RoutingKernels {
    void routerInput(HostTensor x, Dropout noise, HostTensor y);

    void routerInputBackward(HostTensor dy, Dropout noise, HostTensor dx);

    /** Fills every tensor of {@code routing}. */
    void route(HostTensor logits, HostTensor routed, Routing routing);

    void routeBackward(Routing routing, HostTensor dGate, double balanceWeight, double zWeight, HostTensor dLogits);

    void dispatch(HostTensor x, Routing routing, HostTensor slots);

    /** y[t] = sum over t's slots of slots * gate; gates of 1 where {@code gates} is null. */
    void gather(HostTensor slots, Routing routing, HostTensor gates, HostTensor y);

    void combineBackward(HostTensor dy, HostTensor slots, Routing routing, HostTensor dSlots, HostTensor dGate);
}
