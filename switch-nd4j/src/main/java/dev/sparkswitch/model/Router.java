package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;

/** Brings the tokens of a sparse layer and its experts together. */
interface Router extends AutoCloseable {
    /** The router that the configuration asks for; {@code site} numbers its random numbers. */
    static Router of(Engine engine, Parameters parameters, T5Config config, Stack stack, int layer, int site) {
        return config.sparse().orElseThrow().router() instanceof RouterConfig.Hash
                ? new HashRouter(engine, config, stack, layer)
                : new ScoringRouter(parameters, config, stack, layer, site);
    }

    /** What came together, and the router's input for the backward pass; null where there is none. */
    record Choice(Tensor input, Routing routing) implements Saved {
        @Override
        public void close() {
            if (input != null) {
                input.close();
            }
            routing.close();
        }
    }

    /** Routes x [T, d_model]. */
    Choice choose(StackPass pass, Tensor x);

    /** Adds the router's part to the gradient of x; the weights' gradient includes that of the router's losses. */
    void backward(StackPass pass, Choice choice, Tensor dGate, Tensor dx);

    /** Gives back what the router holds beside its parameters. */
    @Override
    void close();

    /** What the engine is to do for a pass. */
    static RoutingPlan plan(SwitchConfig config, StackPass pass, Sampling sampling) {
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
                config.policy(phase),
                config.router().overflow(),
                sampling,
                groups,
                groupTokens,
                capacity,
                config.capacity().balanceGroups(pass.rows()));
    }
}
