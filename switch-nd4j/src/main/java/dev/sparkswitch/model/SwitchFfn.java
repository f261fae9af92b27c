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

/**
 * The Switch layer (Switch Transformer, section 2.1): tokens go to experts as the router says, and experts' results are scaled
 * by its gates. Experts are spread over ranks.
 */
final class SwitchFfn implements Sublayer, AutoCloseable {
    private final String name;
    private final Router router;
    private final Weight in;
    private final Weight out;
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
        SwitchConfig sparse = config.sparse().orElseThrow();
        ExpertPlacement placement = parallelism.placement();
        this.name = names.feedForward(stack, layer);
        this.router = Router.of(engine, parameters, config, stack, layer, site);
        this.experts = sparse.experts();
        this.firstExpert = placement.firstExpert(parallelism.rank());
        List<List<String>> inputs = new ArrayList<>();
        List<List<String>> outputs = new ArrayList<>();
        for (int e = firstExpert; e < firstExpert + placement.localExperts(); e++) {
            String prefix = names.expert(stack, layer, e);
            inputs.add(FeedForwards.inputNames(config.feedForward(), prefix));
            outputs.add(List.of(FeedForwards.outputName(prefix)));
        }
        this.in = parameters.experts(inputs);
        this.out = parameters.experts(outputs);
        this.activation = FeedForwards.activation(config.feedForward());
        this.expertDropout = sparse.expertDropout();
        this.site = site;
        RankGroup group = placement.exchangeGroup(parallelism.rank());
        this.placeInExchange = group.indexOf(parallelism.rank());
        this.exchange = new TokenExchange(engine, parallelism.collectives(), group);
        this.statistics = engine.allocate(engine.precision().master(), RoutingStatistics.size(experts));
        engine.fill(statistics, 0);
    }

    private record Kept(Tensor x, Router.Choice choice, Tensor received, Tensor hidden, Tensor active, Tensor results)
            implements Saved {
        @Override
        public void close() {
            x.close();
            choice.close();
            received.close();
            hidden.close();
            active.close();
            results.close();
        }
    }

    /** The layer's name, that of its module in Hugging Face's model. */
    String name() {
        return name;
    }

    /** Sums of {@link RoutingStatistics} over the passes since they were last cleared. */
    Tensor statistics() {
        return statistics;
    }

    /** Slots are numbered over the step: by group, place in the group, expert. */
    private Dropout expertDropout(StackPass pass, RoutingPlan plan) {
        if (pass.settings().phase() != Phase.TRAIN || expertDropout == 0) {
            return Dropout.NONE;
        }
        int groupRows = pass.rows() / plan.groups();
        // The first slot that was exchanged belongs to the first rank of the exchange, whose rows precede this rank's.
        long firstGroup = (pass.firstRow() - (long) pass.rows() * placeInExchange) / groupRows;
        return new Dropout(
                expertDropout,
                RandomStream.EXPERT_DROPOUT.at(
                        pass.settings().seed(), pass.settings().step(), site),
                firstGroup * plan.capacity(),
                firstExpert,
                experts);
    }

    @Override
    public Forward forward(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        Router.Choice choice = router.choose(pass, x);
        engine.copy(choice.routing().statistics(), statistics, Write.ADD);
        Tensor received = exchange.toExperts(engine.dispatch(x, choice.routing()));
        Tensor hidden = engine.groupedLinear(received, in.value());
        Tensor active = engine.activation(
                hidden, activation, expertDropout(pass, choice.routing().plan()));
        Tensor results = exchange.toTokens(engine.groupedLinear(active, out.value()));
        Tensor delta = engine.combine(results, choice.routing());
        return new Forward(delta, new Kept(x, choice, received, hidden, active, results));
    }

    @Override
    public Tensor backward(StackPass pass, Saved saved, Tensor dDelta) {
        Engine engine = pass.engine();
        try (Kept kept = (Kept) saved) {
            Router.Choice choice = kept.choice();
            Engine.CombineGradient combined = engine.combineBackward(dDelta, kept.results(), choice.routing());
            try (Tensor dGate = combined.dGate();
                    Tensor dResults = exchange.toExperts(combined.dSlots())) {
                engine.groupedLinearWeightGradient(dResults, kept.active(), out.gradient(), out.nextWrite());
                Tensor dReceived;
                Dropout dropout = expertDropout(pass, choice.routing().plan());
                try (Tensor dActive = engine.groupedLinearInputGradient(dResults, out.value());
                        Tensor dHidden = engine.activationBackward(dActive, kept.hidden(), activation, dropout)) {
                    engine.groupedLinearWeightGradient(dHidden, kept.received(), in.gradient(), in.nextWrite());
                    dReceived = engine.groupedLinearInputGradient(dHidden, in.value());
                }
                try (Tensor dSlots = exchange.toTokens(dReceived)) {
                    Tensor dx = engine.dispatchBackward(dSlots, choice.routing());
                    router.backward(pass, choice, dGate, dx);
                    return dx;
                }
            }
        }
    }

    @Override
    public void close() {
        statistics.close();
        router.close();
    }
}
