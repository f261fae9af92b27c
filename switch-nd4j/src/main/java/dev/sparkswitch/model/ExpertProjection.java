package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** y[t] = sum over t's experts e of gate * W_e x[t], 0 for a token without slot: a projection by experts on their ranks. */
final class ExpertProjection {
    private final Weight weight;
    private final TokenExchange exchange;

    /** @param weight of this rank's experts [E / n, out, in] */
    ExpertProjection(Weight weight, TokenExchange exchange) {
        this.weight = weight;
        this.exchange = exchange;
    }

    /** What a forward pass leaves for its backward pass: slots by chunk, and what came of them. */
    record Kept(List<Tensor> received, Tensor results) implements Saved {
        @Override
        public void close() {
            received.forEach(Tensor::close);
            results.close();
        }
    }

    /** The result [T, out] and what the backward pass needs. */
    record Forward(Tensor y, Kept kept) {}

    Forward forward(StackPass pass, Tensor x, Routing routing) {
        Engine engine = pass.engine();
        List<Tensor> received = new ArrayList<>();
        Tensor results = exchange.through(
                TokenExchange.Load.of(routing, x.extent(-1), weight.value().extent(1)),
                () -> engine.dispatch(x, routing),
                pass.settings().exchangeChunks(),
                (from, to, slots) -> {
                    received.add(slots);
                    return engine.groupedLinear(slots, weight.value().slice(from, to));
                });
        return new Forward(engine.combine(results, routing), new Kept(received, results));
    }

    /** The gradients of x [T, in] and of the gates [E, S], router type. */
    record Gradient(Tensor dx, Tensor dGate) {}

    /** Adds the gradient of the weights; dy stays the caller's. */
    Gradient backward(StackPass pass, Tensor dy, Kept kept, Routing routing) {
        Engine engine = pass.engine();
        Backward work = new Backward(engine, kept);
        TokenExchange.Load load =
                TokenExchange.Load.of(routing, dy.extent(-1), weight.value().extent(2));
        try (Tensor dSlots = exchange.through(
                load,
                () -> work.combined(engine.combineBackward(dy, kept.results(), routing)),
                kept.received().size(),
                work)) {
            return new Gradient(engine.dispatchBackward(dSlots, routing), work.dGate);
        }
    }

    /** The way back through the experts, in the chunks of the way there: first what other ranks wait for. */
    private final class Backward implements TokenExchange.Work {
        private final Engine engine;
        private final Iterator<Tensor> received;
        private final Write write = weight.nextWrite();
        private Tensor dGate;
        private Tensor dResults;

        Backward(Engine engine, Kept kept) {
            this.engine = engine;
            this.received = kept.received().iterator();
        }

        /** Keeps the gates' gradient and returns that of the slots. */
        Tensor combined(Engine.CombineGradient gradient) {
            dGate = gradient.dGate();
            return gradient.dSlots();
        }

        @Override
        public Tensor results(int from, int to, Tensor slots) {
            dResults = slots;
            return engine.groupedLinearInputGradient(slots, weight.value().slice(from, to));
        }

        @Override
        public void afterwards(int from, int to) {
            engine.groupedLinearWeightGradient(
                    dResults, received.next(), weight.gradient().slice(from, to), write);
            dResults.close();
        }
    }
}
