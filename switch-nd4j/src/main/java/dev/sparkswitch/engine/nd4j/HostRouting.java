package dev.sparkswitch.engine.nd4j;

import static dev.sparkswitch.engine.nd4j.Nd4jEngine.require;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.CombineGradient;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingStatistics;

/** Routing on the host: who goes where, the way there and back, and experts of a pass that is never turned back. */
final class HostRouting {
    private final HostMemory memory;
    private final DType type;
    private final Products products;
    private final RoutingKernels routings;
    private final DispatchKernels dispatches;
    private final NormKernels norms;

    HostRouting(
            HostMemory memory,
            DType type,
            Products products,
            RoutingKernels routings,
            DispatchKernels dispatches,
            NormKernels norms) {
        this.memory = memory;
        this.type = type;
        this.products = products;
        this.routings = routings;
        this.dispatches = dispatches;
        this.norms = norms;
    }

    private HostTensor floating(int... shape) {
        return HostTensor.owner(memory, type, shape);
    }

    private HostTensor integers(int... shape) {
        return HostTensor.owner(memory, DType.INT32, shape);
    }

    HostTensor input(HostTensor x, Dropout noise) {
        HostTensor y = floating(x.shape());
        dispatches.routerInput(x, noise, y);
        return y;
    }

    void inputBackward(HostTensor dy, Dropout noise, HostTensor dx) {
        dispatches.routerInputBackward(dy, noise, dx);
    }

    HostTensor roundedToBf16(HostTensor x) {
        x.requireContiguous("roundedToBf16");
        HostTensor y = floating(x.shape());
        dispatches.roundedToBf16(x, y);
        return y;
    }

    Routing route(RoutingPlan plan, HostTensor scores, HostTensor routed) {
        int tokens = plan.tokens();
        boolean given = plan.policy() instanceof RoutingPolicy.Hash;
        boolean fits = given
                ? scores.type() == DType.INT32 && scores.size() == tokens
                : scores.type() == type && scores.extent(0) == tokens;
        require(fits && routed.size() == tokens, "route", scores, routed);
        int experts = plan.policy() instanceof RoutingPolicy.Hash hash ? hash.experts() : scores.extent(1);
        if (plan.choices() > experts) {
            throw new IllegalArgumentException(plan.choices() + " choices among " + experts + " experts");
        }
        Routing routing = new Routing(
                plan,
                floating(tokens, experts),
                floating(tokens),
                integers(experts, plan.slots()),
                floating(experts, plan.slots()),
                integers(tokens, plan.choices()),
                integers(tokens),
                floating(plan.balanceGroups(), experts),
                floating(RoutingStatistics.size(experts)));
        routings.route(scores, routed, routing);
        return routing;
    }

    HostTensor routeBackward(Routing routing, HostTensor dGate, double balanceWeight, double zWeight) {
        if (routing.plan().policy() instanceof RoutingPolicy.Hash) {
            throw new IllegalArgumentException("a routing by hash has no logits to differentiate by");
        }
        HostTensor dLogits = floating(routing.plan().tokens(), routing.experts());
        routings.routeBackward(routing, dGate, balanceWeight, zWeight, dLogits);
        return dLogits;
    }

    HostTensor dispatch(HostTensor x, Routing routing) {
        HostTensor slots = floating(routing.experts(), routing.plan().slots(), x.extent(-1));
        dispatches.dispatch(x, routing, slots);
        return slots;
    }

    HostTensor dispatchBackward(HostTensor dSlots, Routing routing) {
        HostTensor dx = floating(routing.plan().tokens(), dSlots.extent(-1));
        dispatches.gather(dSlots, routing, null, dx);
        return dx;
    }

    HostTensor combine(HostTensor slots, Routing routing) {
        HostTensor y = floating(routing.plan().tokens(), slots.extent(-1));
        dispatches.gather(slots, routing, (HostTensor) routing.gateOfSlot(), y);
        return y;
    }

    CombineGradient combineBackward(HostTensor dy, HostTensor slots, Routing routing) {
        HostTensor dSlots = floating(slots.shape());
        HostTensor dGate = floating(slots.extent(0), slots.extent(1));
        dispatches.combineBackward(dy, slots, routing, dSlots, dGate);
        return new CombineGradient(dSlots, dGate);
    }

    HostTensor experts(HostTensor x, Routing routing, HostTensor in, Activation activation, HostTensor out) {
        require(in.extent(0) == routing.experts() && in.extent(2) == x.extent(-1), "experts", x, in);
        require(out.extent(0) == in.extent(0) && out.extent(1) == x.extent(-1), "experts", in, out);
        try (PackedRouting packed = PackedRouting.of(memory, routing);
                HostTensor slots = floating(packed.slots(), x.extent(-1));
                HostTensor hidden = floating(packed.slots(), in.extent(1));
                HostTensor active = floating(packed.slots(), in.extent(1) / activation.branches());
                HostTensor results = floating(packed.slots(), x.extent(-1))) {
            dispatches.dispatch(x, packed.routing(), slots);
            products.segments(packed.firstSlots(), slots, in, hidden);
            norms.activation(hidden, activation, Dropout.NONE, active);
            products.segments(packed.firstSlots(), active, out, results);
            return combine(results, packed.routing());
        }
    }
}
