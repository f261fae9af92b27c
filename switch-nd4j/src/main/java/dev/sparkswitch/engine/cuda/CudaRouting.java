package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.CombineGradient;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** The router, and the way of tokens to experts and back. */
final class CudaRouting {
    private final CudaContext context;
    private final CudaProducts products;

    CudaRouting(CudaContext context, CudaProducts products) {
        this.context = context;
        this.products = products;
    }

    Tensor routerInput(Tensor x, Dropout noise) {
        throw new UnsupportedOperationException("routerInput");
    }

    void routerInputBackward(Tensor dy, Dropout noise, Tensor dx) {
        throw new UnsupportedOperationException("routerInputBackward");
    }

    Tensor routerLogits(Tensor x, Tensor w) {
        throw new UnsupportedOperationException("routerLogits");
    }

    Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write) {
        throw new UnsupportedOperationException("routerLogitsBackward");
    }

    Routing route(RoutingPlan plan, Tensor logits, Tensor routed) {
        throw new UnsupportedOperationException("route");
    }

    Tensor routeBackward(Routing routing, Tensor dGate, double balanceWeight, double zWeight) {
        throw new UnsupportedOperationException("routeBackward");
    }

    Tensor dispatch(Tensor x, Routing routing) {
        throw new UnsupportedOperationException("dispatch");
    }

    Tensor dispatchBackward(Tensor dSlots, Routing routing) {
        throw new UnsupportedOperationException("dispatchBackward");
    }

    Tensor combine(Tensor slots, Routing routing) {
        throw new UnsupportedOperationException("combine");
    }

    CombineGradient combineBackward(Tensor dy, Tensor slots, Routing routing) {
        throw new UnsupportedOperationException("combineBackward");
    }
}
