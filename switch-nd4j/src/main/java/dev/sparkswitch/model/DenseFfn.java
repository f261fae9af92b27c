package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** wo(dropout(activation(wi x))): the feed-forward layer of T5, plain or gated. */
final class DenseFfn implements Sublayer {
    private final Weight in;
    private final Weight out;
    private final Activation activation;
    private final double dropout;
    private final int site;

    DenseFfn(Parameters parameters, T5Config config, Stack stack, int layer, int site) {
        String prefix = new ParameterNames(config).feedForward(stack, layer);
        this.in = parameters.stacked(FeedForwards.inputNames(config.feedForward(), prefix));
        this.out = parameters.single(FeedForwards.outputName(prefix));
        this.activation = FeedForwards.activation(config.feedForward());
        this.dropout = config.dropout();
        this.site = site;
    }

    private record Kept(Tensor x, Engine.Activated active) implements Saved {
        @Override
        public void close() {
            x.close();
            active.result().close();
            active.saved().close();
        }
    }

    private Dropout dropout(StackPass pass) {
        return pass.dropout(RandomStream.DROPOUT, site, dropout);
    }

    @Override
    public Forward forward(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        Tensor hidden = engine.linear(x, in.value());
        Engine.Activated active = engine.activate(hidden, activation, dropout(pass));
        return new Forward(engine.linear(active.result(), out.value()), new Kept(x, active));
    }

    @Override
    public Tensor backward(StackPass pass, Saved saved, Tensor dDelta) {
        Engine engine = pass.engine();
        try (Kept kept = (Kept) saved) {
            engine.linearWeightGradient(dDelta, kept.active().result(), out.gradient(), out.nextWrite());
            try (Tensor dHidden =
                    engine.activatedInputGradient(dDelta, out.value(), kept.active(), activation, dropout(pass))) {
                engine.linearWeightGradient(dHidden, kept.x(), in.gradient(), in.nextWrite());
                Tensor dx = engine.allocate(dDelta.type(), kept.x().shape());
                engine.linearInputGradient(dHidden, in.value(), dx, Write.SET);
                return dx;
            }
        }
    }
}
