package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.Tensor;

/** y[t] = sum over t's experts e of gate * W_e x[t], 0 for a token without slot: a projection by experts on their ranks. */
final class ExpertProjection {
    private final Weight weight;
    private final TokenExchange exchange;

    /** @param weight of this rank's experts [E / n, out, in] */
    ExpertProjection(Weight weight, TokenExchange exchange) {
        this.weight = weight;
        this.exchange = exchange;
    }

    /** What a forward pass leaves for its backward pass. */
    record Kept(Tensor received, Tensor results) implements Saved {
        @Override
        public void close() {
            received.close();
            results.close();
        }
    }

    /** The result [T, out] and what the backward pass needs. */
    record Forward(Tensor y, Kept kept) {}

    Forward forward(Engine engine, Tensor x, Routing routing) {
        Tensor received = exchange.toExperts(engine.dispatch(x, routing));
        Tensor results = exchange.toTokens(engine.groupedLinear(received, weight.value()));
        return new Forward(engine.combine(results, routing), new Kept(received, results));
    }

    /** The gradients of x [T, in] and of the gates [E, S], router type. */
    record Gradient(Tensor dx, Tensor dGate) {}

    /** Adds the gradient of the weights; dy stays the caller's. */
    Gradient backward(Engine engine, Tensor dy, Kept kept, Routing routing) {
        Engine.CombineGradient combined = engine.combineBackward(dy, kept.results(), routing);
        Tensor dReceived;
        try (Tensor dResults = exchange.toExperts(combined.dSlots())) {
            engine.groupedLinearWeightGradient(dResults, kept.received(), weight.gradient(), weight.nextWrite());
            dReceived = engine.groupedLinearInputGradient(dResults, weight.value());
        }
        try (Tensor dSlots = exchange.toTokens(dReceived)) {
            return new Gradient(engine.dispatchBackward(dSlots, routing), combined.dGate());
        }
    }
}
