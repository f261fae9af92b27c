package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

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
    private final RoutingTotals totals;
    private final int place;

    SwitchFfn(
            Engine engine,
            Parameters parameters,
            T5Config config,
            Stack stack,
            int layer,
            int site,
            Parallelism parallelism,
            RoutingTotals totals) {
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
        this.totals = totals;
        this.place = totals.layer(experts);
    }

    /** What a part of a run keeps. */
    private record KeptPart(ExpertRun.Part part, Engine.Activated active) {}

    /** What a chunk of experts keeps: its slots, and what its parts keep. */
    private record KeptChunk(Tensor received, List<KeptPart> parts) {
        private void close() {
            received.close();
            for (KeptPart part : parts) {
                part.active().result().close();
                part.active().saved().close();
            }
        }
    }

    private record Kept(Tensor x, Router.Choice choice, List<KeptChunk> chunks, Tensor results) implements Saved {
        /** Closes all but the choice. */
        private void closeInside() {
            x.close();
            chunks.forEach(KeptChunk::close);
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
    public boolean exchangesTokens() {
        return exchange.ranks() > 1;
    }

    /** Slots are numbered over the step: by group, place in the group, expert. */
    private Dropout expertDropout(StackPass pass, RoutingPlan plan, ExpertRun.Part part) {
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
                        pass.settings().seed(),
                        pass.settings().step(),
                        site + part.run().widthNumber() * SITES),
                firstGroup * plan.capacity(),
                firstExpert + part.from(),
                experts);
    }

    @Override
    public Forward forward(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        Router.Choice choice = router.choose(pass, x);
        Runnable statistics = () -> totals.add(engine, place, choice.routing().statistics());
        if (pass.settings().phase() == Phase.GENERATE && exchange.ranks() == 1 && runs.size() == 1) {
            ExpertRun all = runs.get(0);
            statistics.run();
            Tensor delta = engine.experts(
                    x, choice.routing(), all.in().value(), activation, all.out().value());
            return new Forward(delta, new Unkept(x, choice));
        }
        return through(pass, x, choice, statistics);
    }

    @Override
    public Saved forgo(Saved saved) {
        Kept kept = (Kept) saved;
        kept.closeInside();
        return kept.choice().forgo();
    }

    @Override
    public Saved rerun(StackPass pass, Tensor x, Saved left) {
        Forward again = through(pass, x, router.again(pass, x, (Router.Settled) left), () -> {});
        again.delta().close();
        return again.saved();
    }

    /** Through the experts that were chosen; {@code meanwhile} is for the time in which the first tokens travel. */
    private Forward through(StackPass pass, Tensor x, Router.Choice choice, Runnable meanwhile) {
        Engine engine = pass.engine();
        List<KeptChunk> kept = new ArrayList<>();
        TokenExchange.Work work = new TokenExchange.Work() {
            @Override
            public void meanwhile() {
                meanwhile.run();
            }

            @Override
            public Tensor results(int from, int to, Tensor received) {
                return chunk(pass, choice, from, to, received, kept);
            }
        };
        Tensor results = exchange.through(
                load(choice.routing(), x),
                () -> engine.dispatch(x, choice.routing()),
                pass.settings().exchangeChunks(),
                work);
        Tensor delta = engine.combine(results, choice.routing());
        return new Forward(delta, new Kept(x, choice, List.copyOf(kept), results));
    }

    private static TokenExchange.Load load(Routing routing, Tensor tokens) {
        return TokenExchange.Load.of(routing, tokens.extent(-1), tokens.extent(-1));
    }

    private Tensor chunk(
            StackPass pass, Router.Choice choice, int from, int to, Tensor received, List<KeptChunk> kept) {
        Engine engine = pass.engine();
        List<KeptPart> parts = new ArrayList<>();
        Tensor results = overParts(engine, from, to, received, (part, slots) -> {
            Tensor hidden = engine.groupedLinear(slots, part.of(part.run().in().value()));
            Dropout dropout = expertDropout(pass, choice.routing().plan(), part);
            Engine.Activated active = engine.activate(hidden, activation, dropout);
            parts.add(new KeptPart(part, active));
            return engine.groupedLinear(
                    active.result(), part.of(part.run().out().value()));
        });
        kept.add(new KeptChunk(received, parts));
        return results;
    }

    @Override
    public Tensor backward(StackPass pass, Saved saved, Tensor dDelta) {
        Engine engine = pass.engine();
        try (Kept kept = (Kept) saved) {
            Router.Choice choice = kept.choice();
            Backward work = new Backward(pass, kept);
            try (work;
                    Tensor dSlots = exchange.through(
                            load(choice.routing(), dDelta),
                            () -> work.combined(engine.combineBackward(dDelta, kept.results(), choice.routing())),
                            kept.chunks().size(),
                            work)) {
                Tensor dx = engine.dispatchBackward(dSlots, choice.routing());
                work.pull.addTo(dx);
                return dx;
            }
        }
    }

    /**
     * The way back through the experts, in the chunks of the way there: first what other ranks wait for. The router's own
     * gradients, which wait for nobody, are made while the first chunk is on its way.
     */
    private final class Backward implements TokenExchange.Work, AutoCloseable {
        private final StackPass pass;
        private final Engine engine;
        private final RoutingPlan plan;
        private final Iterator<KeptChunk> chunks;
        private final Map<Weight, Write> writes = new IdentityHashMap<>();
        private final Router.Choice choice;
        private Tensor dGate;
        /** The router's part of the gradient of the tokens. */
        private Router.Pull pull;

        private KeptChunk chunk;
        private Tensor dResults;
        private final List<Tensor> dHidden = new ArrayList<>();

        Backward(StackPass pass, Kept kept) {
            this.pass = pass;
            this.choice = kept.choice();
            this.engine = pass.engine();
            this.plan = kept.choice().routing().plan();
            this.chunks = kept.chunks().iterator();
            for (ExpertRun run : runs) {
                writes.put(run.in(), run.in().nextWrite());
                writes.put(run.out(), run.out().nextWrite());
            }
        }

        /** Keeps the gates' gradient and returns that of the slots. */
        Tensor combined(Engine.CombineGradient gradient) {
            dGate = gradient.dGate();
            return gradient.dSlots();
        }

        @Override
        public void meanwhile() {
            pull = router.backward(pass, choice, dGate);
        }

        @Override
        public void close() {
            if (pull != null) {
                pull.close();
            }
            if (dGate != null) {
                dGate.close();
            }
        }

        @Override
        public Tensor results(int from, int to, Tensor slots) {
            chunk = chunks.next();
            dResults = slots;
            Iterator<KeptPart> parts = chunk.parts().iterator();
            return overParts(engine, from, to, slots, (part, dOut) -> {
                Dropout dropout = expertDropout(pass, plan, part);
                Tensor gradient = engine.groupedActivatedInputGradient(
                        dOut, part.of(part.run().out().value()), parts.next().active(), activation, dropout);
                dHidden.add(gradient);
                return engine.groupedLinearInputGradient(
                        gradient, part.of(part.run().in().value()));
            });
        }

        /** Adds the gradients of the weights. */
        @Override
        public void afterwards(int from, int to) {
            for (int i = 0; i < dHidden.size(); i++) {
                KeptPart kept = chunk.parts().get(i);
                ExpertRun.Part part = kept.part();
                addGradient(
                        part.run().out(),
                        part,
                        slots(dResults, part, from),
                        kept.active().result());
                addGradient(part.run().in(), part, dHidden.get(i), slots(chunk.received(), part, from));
                dHidden.get(i).close();
            }
            dHidden.clear();
            dResults.close();
        }

        private void addGradient(Weight weight, ExpertRun.Part part, Tensor dy, Tensor x) {
            engine.groupedLinearWeightGradient(dy, x, part.of(weight.gradient()), writes.get(weight));
        }
    }

    /** A part's slots among those of the experts from {@code first} on. */
    private static Tensor slots(Tensor all, ExpertRun.Part part, int first) {
        return part.to() - part.from() == all.extent(0) ? all : all.slice(part.from() - first, part.to() - first);
    }

    /** What every part of the experts makes of its slots, together, in a tensor of the shape of {@code slots}. */
    private Tensor overParts(
            Engine engine, int from, int to, Tensor slots, BiFunction<ExpertRun.Part, Tensor, Tensor> work) {
        List<ExpertRun.Part> parts = ExpertRun.between(runs, from, to);
        if (parts.size() == 1) {
            return work.apply(parts.get(0), slots);
        }
        Tensor all = engine.allocate(slots.type(), slots.shape());
        for (ExpertRun.Part part : parts) {
            try (Tensor made = work.apply(part, slots(slots, part, from))) {
                engine.copy(made, slots(all, part, from), Write.SET);
            }
        }
        return all;
    }

    @Override
    public void close() {
        router.close();
    }
}
