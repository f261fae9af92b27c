package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.ArrayList;
import java.util.List;

/**
 * A Switch layer in self-attention (Switch Transformer, appendix A): each token's queries, keys, values and output are
 * projected by the expert that the layer's router chose for it, each result scaled by the gate. One choice serves all four,
 * so that a block has one router more and a token one expert of attention. A token without a slot has no query, key or value
 * (zeros), so that it looks at others by position alone, and adds nothing to the stream.
 *
 * <p>The paper found it to diverge below float32, which {@link T5Config#requirePrecision} therefore asks for.
 */
final class SwitchProjections implements AttentionProjections, SparseLayer {
    private final String name;
    private final Router router;
    private final TokenExchange exchange;
    private final ExpertProjection queryKeyValue;
    private final ExpertProjection output;
    private final RoutingTotals totals;
    private final int place;

    SwitchProjections(
            Engine engine,
            Parameters parameters,
            T5Config config,
            Stack stack,
            int layer,
            int site,
            Parallelism parallelism,
            RoutingTotals totals) {
        ParameterNames names = new ParameterNames(config);
        int experts = config.sparseLayer(stack, layer).experts();
        ExpertPlacement placement = parallelism.placement().ofLayer(experts);
        this.name = names.selfAttention(stack, layer);
        this.router = Router.of(
                engine,
                parameters,
                config,
                new RouterPlace(
                        names.attentionRouter(stack, layer), stack, layer, site, RouterPlace.Experts.ATTENTION));
        List<List<String>> inputs = new ArrayList<>();
        List<List<String>> outputs = new ArrayList<>();
        int first = placement.firstExpert(parallelism.rank());
        for (int e = first; e < first + placement.localExperts(); e++) {
            String prefix = names.attentionExpert(stack, layer, e);
            inputs.add(List.of(prefix + ".q.weight", prefix + ".k.weight", prefix + ".v.weight"));
            outputs.add(List.of(prefix + ".o.weight"));
        }
        this.exchange =
                new TokenExchange(engine, parallelism.collectives(), placement.exchangeGroup(parallelism.rank()));
        this.queryKeyValue = new ExpertProjection(parameters.experts(inputs), exchange);
        this.output = new ExpertProjection(parameters.experts(outputs), exchange);
        this.totals = totals;
        this.place = totals.layer(experts);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean exchangesTokens() {
        return exchange.ranks() > 1;
    }

    @Override
    public void close() {
        router.close();
    }

    @Override
    public Projected begin(StackPass pass, Tensor x) {
        Router.Choice choice = router.choose(pass, x);
        totals.add(pass.engine(), place, choice.routing().statistics());
        return new Pass(pass, x, choice);
    }

    @Override
    public Projected again(StackPass pass, Tensor x, Saved left) {
        return new Pass(pass, x, router.again(pass, x, (Router.Settled) left));
    }

    private final class Pass implements Projected {
        private final StackPass pass;
        private final Engine engine;
        private final Tensor x;
        private final Router.Choice choice;
        private ExpertProjection.Kept ofInput;
        private ExpertProjection.Kept ofOutput;
        private Tensor dGateOfOutput;

        Pass(StackPass pass, Tensor x, Router.Choice choice) {
            this.pass = pass;
            this.engine = pass.engine();
            this.x = x;
            this.choice = choice;
        }

        @Override
        public Saved forgo() {
            ofInput.close();
            ofOutput.close();
            return choice.forgo();
        }

        @Override
        public Tensor queryKeyValue() {
            ExpertProjection.Forward forward = queryKeyValue.forward(pass, x, choice.routing());
            ofInput = forward.kept();
            return forward.y();
        }

        @Override
        public Tensor output(Tensor result) {
            ExpertProjection.Forward forward = output.forward(pass, result, choice.routing());
            ofOutput = forward.kept();
            return forward.y();
        }

        @Override
        public Tensor outputBackward(Tensor result, Tensor dDelta) {
            ExpertProjection.Gradient gradient = output.backward(pass, dDelta, ofOutput, choice.routing());
            dGateOfOutput = gradient.dGate();
            return gradient.dx();
        }

        @Override
        public Tensor queryKeyValueBackward(Tensor dQkv) {
            ExpertProjection.Gradient gradient = queryKeyValue.backward(pass, dQkv, ofInput, choice.routing());
            try (Tensor dGate = gradient.dGate();
                    Tensor ofTheOther = dGateOfOutput) {
                engine.copy(ofTheOther, dGate, Write.ADD);
                try (Router.Pull pull = router.backward(pass, choice, dGate)) {
                    pull.addTo(gradient.dx());
                }
                return gradient.dx();
            }
        }

        @Override
        public void close() {
            choice.close();
            ofInput.close();
            ofOutput.close();
        }
    }
}
