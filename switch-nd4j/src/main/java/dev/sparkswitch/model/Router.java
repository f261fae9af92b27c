package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.ExpertShares;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;
import java.util.Collections;

/** Brings the tokens of a sparse layer and its experts together. */
interface Router extends AutoCloseable {
    /** The router that the configuration asks for. */
    static Router of(Engine engine, Parameters parameters, T5Config config, RouterPlace place) {
        return config.sparseLayer(place.stack(), place.layer()).router() instanceof RouterConfig.Hash
                ? new HashRouter(engine, config, place.stack(), place.layer())
                : new ScoringRouter(parameters, config, place);
    }

    /**
     * What came together.
     *
     * @param x what was routed, which whoever routed it keeps until the backward pass
     * @param input the router's input for the backward pass; null where there is none, or the engine makes it anew from x
     * @param routing experts and slots
     */
    record Choice(Tensor x, Tensor input, Routing routing) implements Saved {
        /** Gives back the input, which {@link Router#again} makes anew. */
        Settled forgo() {
            if (input != null) {
                input.close();
            }
            return new Settled(routing);
        }

        @Override
        public void close() {
            if (input != null) {
                input.close();
            }
            routing.close();
        }
    }

    /** What is left of a choice that is not made a second time. */
    record Settled(Routing routing) implements Saved {
        @Override
        public void close() {
            routing.close();
        }
    }

    /** Routes x [T, d_model]. */
    Choice choose(StackPass pass, Tensor x);

    /** The choice that was made for x, whole again; owns what was left of it. */
    Choice again(StackPass pass, Tensor x, Settled left);

    /**
     * Adds the gradient of the router's weights, which includes that of the router's losses. It needs nothing that experts still
     * compute.
     *
     * @return what is left to do; dGate is not looked at any more
     */
    Pull backward(StackPass pass, Choice choice, Tensor dGate);

    /** The router's part of the gradient of what it routed. */
    interface Pull extends AutoCloseable {
        /** That of a router that learns nothing. */
        Pull NONE = new Pull() {
            @Override
            public void addTo(Tensor dx) {}

            @Override
            public void close() {}
        };

        /** Adds it to dx [T, d_model]. */
        void addTo(Tensor dx);

        @Override
        void close();
    }

    /** Gives back what the router holds beside its parameters. */
    @Override
    void close();

    /** What the engine is to do for a pass. */
    static RoutingPlan plan(SwitchConfig config, StackPass pass, Sampling sampling, RouterPlace.Experts leadsTo) {
        Phase phase = pass.settings().phase();
        int groupRows = phase == Phase.GENERATE ? 1 : config.capacity().rowsOfGroup();
        if (pass.rows() % groupRows != 0) {
            throw new IllegalArgumentException(
                    pass.rows() + " rows are no whole number of routing groups of " + groupRows + " rows");
        }
        int groups = pass.rows() / groupRows;
        int groupTokens = groupRows * pass.length();
        ExpertShares shares =
                switch (leadsTo) {
                    case FEED_FORWARD -> config.shares(groupTokens, phase);
                    case ATTENTION -> ExpertShares.EQUAL;
                };
        // More slots than a group has tokens would stay empty.
        int capacity = shares.equal()
                ? Math.min(groupTokens, config.capacity(groupTokens, phase))
                : Collections.max(shares.capacities());
        return new RoutingPlan(
                config.policy(phase),
                config.router().overflow(),
                sampling,
                groups,
                groupTokens,
                capacity,
                phase == Phase.GENERATE ? 1 : config.capacity().balanceGroups(pass.rows()),
                shares,
                config.routerPrecision());
    }
}
