package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Routing;

/** Loops that choose experts; see {@link dev.sparkswitch.engine.Engine} for what they do. */
interface RoutingKernels {
    /** Fills every tensor of {@code routing}. */
    void route(HostTensor scores, HostTensor routed, Routing routing);

    void routeBackward(Routing routing, HostTensor dGate, double balanceWeight, double zWeight, HostTensor dLogits);
}
