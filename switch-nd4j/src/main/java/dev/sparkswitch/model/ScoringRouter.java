package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/**
 * p(x) = softmax(W_r x) in float32 or better, rounded where the configuration says so, and the choice by it (Switch
 * Transformer, sections 2.1, 2.2 and 2.4). Noise of exploration falls on a copy of x that the experts never see.
 */
final class ScoringRouter implements Router {
    private final Weight weight;
    private final SwitchConfig config;
    private final Exploration exploration;
    private final int site;
    private final RouterPlace.Experts leadsTo;

    ScoringRouter(Parameters parameters, T5Config config, RouterPlace place) {
        this.weight = parameters.single(place.weight());
        this.config = config.sparseLayer(place.stack(), place.layer());
        this.exploration = this.config.router().exploration();
        this.site = place.site();
        this.leadsTo = place.leadsTo();
    }

    private Dropout jitter(StackPass pass) {
        return exploration instanceof Exploration.InputJitter jitter
                ? pass.dropout(RandomStream.JITTER, site, jitter.rate())
                : Dropout.NONE;
    }

    private Dropout inputDropout(StackPass pass) {
        return exploration instanceof Exploration.InputDropout dropout
                ? pass.dropout(RandomStream.ROUTER_DROPOUT, site, dropout.rate())
                : Dropout.NONE;
    }

    private Sampling sampling(StackPass pass) {
        PassSettings settings = pass.settings();
        return exploration instanceof Exploration.Sample && settings.phase() == Phase.TRAIN
                ? new Sampling(
                        RandomStream.ROUTER_SAMPLING.at(settings.seed(), settings.step(), site),
                        pass.firstRow() * pass.length())
                : Sampling.NONE;
    }

    /** {@code fresh} as the router's precision has it. */
    private Tensor held(Engine engine, Tensor fresh) {
        return switch (config.routerPrecision()) {
            case FLOAT32 -> fresh;
            case BF16 -> {
                try (fresh) {
                    yield engine.roundedToBf16(fresh);
                }
            }
        };
    }

    private Tensor input(StackPass pass, Tensor x) {
        return held(pass.engine(), noisy(pass, x));
    }

    private Tensor noisy(StackPass pass, Tensor x) {
        Dropout dropout = inputDropout(pass);
        if (!dropout.active()) {
            return pass.engine().routerInput(x, jitter(pass));
        }
        try (Tensor kept = pass.engine().dropout(x, dropout)) {
            return pass.engine().routerInput(kept, Dropout.NONE);
        }
    }

    private Tensor logits(Engine engine, Tensor input) {
        return switch (config.routerPrecision()) {
            case FLOAT32 -> engine.routerLogits(input, weight.value());
            case BF16 -> {
                try (Tensor w = engine.roundedToBf16(weight.value())) {
                    yield held(engine, engine.routerLogits(input, w));
                }
            }
        };
    }

    @Override
    public Choice choose(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        Engine.RouterScores scores = scores(pass, x);
        try (Tensor logits = scores.logits()) {
            return new Choice(
                    x,
                    scores.input(),
                    engine.route(Router.plan(config, pass, sampling(pass), leadsTo), logits, pass.routed()));
        }
    }

    /** Whether nothing stands between x, its jitter and the logits. */
    private boolean isAtOnce(StackPass pass) {
        return config.routerPrecision() == RouterPrecision.FLOAT32
                && !inputDropout(pass).active();
    }

    private Engine.RouterScores scores(StackPass pass, Tensor x) {
        if (isAtOnce(pass)) {
            return pass.engine().routerScores(x, jitter(pass), weight.value());
        }
        Tensor input = input(pass, x);
        return new Engine.RouterScores(logits(pass.engine(), input), input);
    }

    @Override
    public Choice again(StackPass pass, Tensor x, Settled left) {
        return new Choice(x, input(pass, x), left.routing());
    }

    @Override
    public Pull backward(StackPass pass, Choice choice, Tensor dGate) {
        Engine engine = pass.engine();
        RouterWeights weights = pass.settings().routerWeights();
        Tensor dLogits = engine.routeBackward(choice.routing(), dGate, weights.balance(), weights.z());
        if (isAtOnce(pass)) {
            Tensor dInput = engine.routerScoresWeightGradient(
                    dLogits,
                    choice.x(),
                    choice.input(),
                    jitter(pass),
                    weight.value(),
                    weight.gradient(),
                    weight.nextWrite());
            return new ScoresPull(pass, dLogits, dInput);
        }
        try (dLogits) {
            return new InputPull(pass, logitsBackward(engine, dLogits, choice.input()));
        }
    }

    /** By way of the scores: dInput is null where the engine makes it anew. */
    private final class ScoresPull implements Pull {
        private final StackPass pass;
        private final Tensor dLogits;
        private final Tensor dInput;

        ScoresPull(StackPass pass, Tensor dLogits, Tensor dInput) {
            this.pass = pass;
            this.dLogits = dLogits;
            this.dInput = dInput;
        }

        @Override
        public void addTo(Tensor dx) {
            pass.engine().routerScoresInputGradient(dLogits, dInput, jitter(pass), weight.value(), dx);
        }

        @Override
        public void close() {
            dLogits.close();
            if (dInput != null) {
                dInput.close();
            }
        }
    }

    /** By way of the router's input. */
    private final class InputPull implements Pull {
        private final StackPass pass;
        private final Tensor dInput;

        InputPull(StackPass pass, Tensor dInput) {
            this.pass = pass;
            this.dInput = dInput;
        }

        @Override
        public void addTo(Tensor dx) {
            addInputGradient(pass, dInput, dx);
        }

        @Override
        public void close() {
            dInput.close();
        }
    }

    private Tensor logitsBackward(Engine engine, Tensor dLogits, Tensor input) {
        return switch (config.routerPrecision()) {
            case FLOAT32 ->
                engine.routerLogitsBackward(dLogits, input, weight.value(), weight.gradient(), weight.nextWrite());
            case BF16 -> {
                try (Tensor w = engine.roundedToBf16(weight.value())) {
                    yield engine.routerLogitsBackward(dLogits, input, w, weight.gradient(), weight.nextWrite());
                }
            }
        };
    }

    private void addInputGradient(StackPass pass, Tensor dInput, Tensor dx) {
        Engine engine = pass.engine();
        Dropout dropout = inputDropout(pass);
        if (!dropout.active()) {
            engine.routerInputBackward(dInput, jitter(pass), dx);
            return;
        }
        try (Tensor dKept = engine.allocate(dx.type(), dx.shape())) {
            engine.fill(dKept, 0);
            engine.routerInputBackward(dInput, Dropout.NONE, dKept);
            try (Tensor own = engine.dropout(dKept, dropout)) {
                engine.copy(own, dx, Write.ADD);
            }
        }
    }

    @Override
    public void close() {}
}
