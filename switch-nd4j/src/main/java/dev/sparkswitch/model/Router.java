package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Tensor;

/**
 * p(x) = softmax(W_r x) in float32 or better, and the choice of experts by it (Switch Transformer, sections 2.1 and 2.2). In
 * training its input, a copy that the experts never see, is multiplied by U(1 - jitter, 1 + jitter).
 */
final class Router {
    private final Weight weight;
    private final SwitchConfig config;
    private final int site;

    /** @param name of the router's weight */
    Router(Parameters parameters, T5Config config, String name, int site) {
        this.weight = parameters.single(name);
        this.config = config.sparse().orElseThrow();
        this.site = site;
    }

    /** The choice, and the router's input for the backward pass. */
    record Choice(Tensor input, Routing routing) implements Saved {
        @Override
        public void close() {
            input.close();
            routing.close();
        }
    }

    private RoutingPlan plan(StackPass pass) {
        Phase phase = pass.settings().phase();
        int groupRows = phase == Phase.GENERATE ? 1 : config.capacity().rowsOfGroup();
        if (pass.rows() % groupRows != 0) {
            throw new IllegalArgumentException(
                    pass.rows() + " rows are no whole number of routing groups of " + groupRows + " rows");
        }
        int groups = pass.rows() / groupRows;
        int groupTokens = groupRows * pass.length();
        // More slots than a group has tokens would stay empty.
        int capacity = Math.min(groupTokens, config.capacity(groupTokens, phase));
        return new RoutingPlan(
                config.router().k(),
                groups,
                groupTokens,
                capacity,
                config.capacity().balanceGroups(pass.rows()));
    }

    private Dropout jitter(StackPass pass) {
        return pass.dropout(RandomStream.JITTER, site, config.jitter());
    }

    Choice choose(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        Tensor input = engine.routerInput(x, jitter(pass));
        try (Tensor logits = engine.routerLogits(input, weight.value())) {
            return new Choice(input, engine.route(plan(pass), logits, pass.routed()));
        }
    }

    /** Adds the router's part to the gradient of x; the weights' gradient includes that of the router's losses. */
    void backward(StackPass pass, Choice choice, Tensor dGate, Tensor dx) {
        Engine engine = pass.engine();
        RouterWeights weights = pass.settings().routerWeights();
        try (Tensor dLogits = engine.routeBackward(choice.routing(), dGate, weights.balance(), weights.z());
                Tensor dInput = engine.routerLogitsBackward(
                        dLogits, choice.input(), weight.value(), weight.gradient(), weight.nextWrite())) {
            engine.routerInputBackward(dInput, jitter(pass), dx);
        }
    }
}
