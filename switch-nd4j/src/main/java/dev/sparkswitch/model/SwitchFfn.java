package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The Switch layer (Switch Transformer, section 2.1): tokens go to experts as the router says, and experts' results are scaled
 * by its gates. Experts are spread over ranks.
 */
final class SwitchFfn implements Sublayer, SparseLayer {
    /** More sites of random numbers than a model has; {@link SwitchConfig#WIDTHS} times as many fit a stream. */
    private static final int SITES = 1 << 10;

    private final String name;
    private final Router router;
    private final List<ExpertRun> runs;
    private final Activation activation;
    private final double expertDropout;
    private final int site;
    private final int firstExpert;
    private final int experts;
    private final int placeInExchange;
    private final TokenExchange exchange;
    private final Tensor statistics;

    SwitchFfn(
            Engine engine,
            Parameters parameters,
            T5Config config,
            Stack stack,
            int layer,
            int site,
            Parallelism parallelism) {
        ParameterNames names = new ParameterNames(config);
        SwitchConfig sparse = config.sparseLayer(stack, layer);
        ExpertPlacement placement = parallelism.placement().ofLayer(sparse.experts());
        this.name = names.feedForward(stack, layer);
        this.router = Router.of(
                engine,
                parameters,
                config,
                new RouterPlace(names.router(stack, layer), stack, layer, site, RouterPlace.Experts.FEED_FORWARD));
        this.experts = sparse.experts();
        this.firstExpert = placement.firstExpert(parallelism.rank());
        this.runs = ExpertRun.of(parameters, config, stack, layer, placement, parallelism.rank());
        this.activation = FeedForwards.activation(config.feedForward());
        this.expertDropout = sparse.expertDropout();
        this.site = site;
        RankGroup group = placement.exchangeGroup(parallelism.rank());
        this.placeInExchange = group.indexOf(parallelism.rank());
        this.exchange = new TokenExchange(engine, parallelism.collectives(), group);
        this.statistics = engine.allocate(engine.precision().master(), RoutingStatistics.size(experts));
        engine.fill(statistics, 0);
    }

    private record Kept(Tensor x, Router.Choice choice, Tensor received, List<Engine.Activated> runs, Tensor results)
            implements Saved {
        /** Closes all but the choice. */
        private void closeInside() {
            x.close();
            received.close();
            for (Engine.Activated run : runs) {
                run.result().close();
                run.saved().close();
            }
            results.close();
        }

        @Override
        public void close() {
            closeInside();
            choice.close();
        }
    }

    /** What is left of a pass that is never turned back. */
    private record Unkept(Tensor x, Router.Choice choice) implements Saved {
        @Override
        public void close() {
            x.close();
            choice.close();
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Tensor statistics() {
        return statistics;
    }

    /** Slots are numbered over the step: by group, place in the group, expert. */
    private Dropout expertDropout(StackPass pass, RoutingPlan plan, ExpertRun run) {
        if (pass.settings().phase() != Phase.TRAIN || expertDropout == 0) {
            return Dropout.NONE;
        }
        int groupRows = pass.rows() / plan.groups();
        // The first slot that was exchanged belongs to the first rank of the exchange, whose rows precede this rank's.
        long firstGroup = (pass.firstRow() - (long) pass.rows() * placeInExchange) / groupRows;
        return new Dropout(
                expertDropout,
                // Rows of other widths are numbered otherwise: they have numbers of their own.
                RandomStream.EXPERT_DROPOUT.at(
                        pass.settings().seed(), pass.settings().step(), site + run.widthNumber() * SITES),
                firstGroup * plan.capacity(),
                firstExpert + run.from(),
                experts);
    }

    @Override
    public Forward forward(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        Router.Choice choice = router.choose(pass, x);
        engine.copy(choice.routing().statistics(), statistics, Write.ADD);
        if (pass.settings().phase() == Phase.GENERATE && exchange.ranks() == 1 && runs.size() == 1) {
            ExpertRun all = runs.get(0);
            Tensor delta = engine.experts(
                    x, choice.routing(), all.in().value(), activation, all.out().value());
            return new Forward(delta, new Unkept(x, choice));
        }
        return through(pass, x, choice);
    }

    @Override
    public Saved forgo(Saved saved) {
        Kept kept = (Kept) saved;
        kept.closeInside();
        return kept.choice().forgo();
    }

    @Override
    public Saved rerun(StackPass pass, Tensor x, Saved left) {
        Forward again = through(pass, x, router.again(pass, x, (Router.Settled) left));
        again.delta().close();
        return again.saved();
    }

    /** Through the experts that were chosen. */
    private Forward through(StackPass pass, Tensor x, Router.Choice choice) {
        Engine engine = pass.engine();
        Tensor received = exchange.toExperts(engine.dispatch(x, choice.routing()));
        List<Engine.Activated> kept = new ArrayList<>();
        Tensor computed = overRuns(engine, received, run -> {
            Tensor hidden = engine.groupedLinear(slots(received, run), run.in().value());
            Dropout dropout = expertDropout(pass, choice.routing().plan(), run);
            Engine.Activated active = engine.activate(hidden, activation, dropout);
            kept.add(active);
            return engine.groupedLinear(active.result(), run.out().value());
        });
        Tensor results = exchange.toTokens(computed);
        Tensor delta = engine.combine(results, choice.routing());
        return new Forward(delta, new Kept(x, choice, received, List.copyOf(kept), results));
    }

    @Override
    public Tensor backward(StackPass pass, Saved saved, Tensor dDelta) {
        Engine engine = pass.engine();
        try (Kept kept = (Kept) saved) {
            Router.Choice choice = kept.choice();
            Engine.CombineGradient combined = engine.combineBackward(dDelta, kept.results(), choice.routing());
            try (Tensor dGate = combined.dGate();
                    Tensor dResults = exchange.toExperts(combined.dSlots())) {
                Tensor dReceived =
                        overRuns(engine, kept.received(), run -> backward(pass, kept, run, slots(dResults, run)));
                try (Tensor dSlots = exchange.toTokens(dReceived)) {
                    Tensor dx = engine.dispatchBackward(dSlots, choice.routing());
                    router.backward(pass, choice, dGate, dx);
                    return dx;
                }
            }
        }
    }

    /** Adds the gradients of a run's weights and returns that of the slots it received. */
    private Tensor backward(StackPass pass, Kept kept, ExpertRun run, Tensor dResults) {
        Engine engine = pass.engine();
        Engine.Activated inside = kept.runs().get(runs.indexOf(run));
        Dropout dropout = expertDropout(pass, kept.choice().routing().plan(), run);
        engine.groupedLinearWeightGradient(
                dResults, inside.result(), run.out().gradient(), run.out().nextWrite());
        try (Tensor dHidden =
                engine.groupedActivatedInputGradient(dResults, run.out().value(), inside, activation, dropout)) {
            engine.groupedLinearWeightGradient(
                    dHidden,
                    slots(kept.received(), run),
                    run.in().gradient(),
                    run.in().nextWrite());
            return engine.groupedLinearInputGradient(dHidden, run.in().value());
        }
    }

    /** The slots of a run's experts [run, S, d]. */
    private Tensor slots(Tensor all, ExpertRun run) {
        return runs.size() == 1 ? all : all.slice(run.from(), run.to());
    }

    /** What every run of experts makes of its slots, together, in a tensor of the shape of {@code slots}. */
    private Tensor overRuns(Engine engine, Tensor slots, Function<ExpertRun, Tensor> work) {
        if (runs.size() == 1) {
            return work.apply(runs.get(0));
        }
        Tensor all = engine.allocate(slots.type(), slots.shape());
        for (ExpertRun run : runs) {
            try (Tensor part = work.apply(run)) {
                engine.copy(part, slots(all, run), Write.SET);
            }
        }
        return all;
    }

    @Override
    public void close() {
        statistics.close();
        router.close();
    }
}
