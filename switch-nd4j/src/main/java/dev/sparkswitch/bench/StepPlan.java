package dev.sparkswitch.bench;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.cuda.CudaEngine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.OptimizerKind;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.util.List;
import java.util.Map;

/**
 * What a training step would take on cards that are not here: memory, time and bytes between cards. The step runs, operation by
 * operation, on an engine without a card: memory is what the engine asks for; time adds up what each operation would take at
 * the card's measured rates.
 *
 * @param cards ranks, one a card
 * @param expertParallel cards over which one copy of the experts is spread
 * @param rows rows a card and step
 * @param memory of a card, by its kind
 * @param phases of a step of the first rank
 * @param exchangeSeconds that its exchanges take, beside other operations or not
 * @param wireBytes that leave a card in a step
 * @param tokens input and target positions a step, of all cards
 */
public record StepPlan(
        int cards,
        int expertParallel,
        int rows,
        StepReport.Memory memory,
        Map<Phase, Work> phases,
        double exchangeSeconds,
        double wireBytes,
        long tokens) {
    /**
     * What is to be planned.
     *
     * @param model the model
     * @param inputLength input positions a row
     * @param targetLength target positions a row
     * @param optimizer the rule of the updates
     * @param recomputation what a backward pass makes again
     * @param exchangeChunks as in {@link TrainingConfig}
     * @param cardsAHost cards that reach each other without the network
     * @param rates of a card
     */
    public record Question(
            T5Config model,
            int inputLength,
            int targetLength,
            OptimizerKind optimizer,
            Recomputation recomputation,
            int exchangeChunks,
            int cardsAHost,
            CardRates rates) {}

    /**
     * A plan for {@code cards} with {@code rows} rows each.
     *
     * @throws dev.sparkswitch.base.UserException where experts or routing groups cannot be spread so
     */
    public static StepPlan of(Question question, int cards, int expertParallel, int rows) {
        T5Config model = question.model();
        TrainingConfig training = RandomStep.training(
                rows * cards, question.optimizer(), question.recomputation(), question.exchangeChunks());
        RandomStep random = new RandomStep(model, rows, question.inputLength(), question.targetLength());
        PlannedMeter meter = new PlannedMeter(question.rates());
        PlannedCollectives wire = new PlannedCollectives(cards, question.cardsAHost(), question.rates(), meter);
        Parallelism parallelism = new Parallelism(ExpertPlacement.of(model, expertParallel, cards), wire);
        try (Engine bare = CudaEngine.planned(Precision.BF16);
                Engine engine = new MeteredEngine(bare, meter);
                SwitchTransformer planned = new SwitchTransformer(engine, model, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, planned.parameters().all())) {
            TrainingStep step = new TrainingStep(planned, parallelism, training, optimizer);
            // What the first step alone does, such as building tables, is no part of the plan.
            step.run(1, List.of(random.batch(1)), 0, 0);
            meter.clear();
            wire.clear();
            step.run(2, List.of(random.batch(2)), 0, 0);
            return new StepPlan(
                    cards,
                    expertParallel,
                    rows,
                    StepReport.Memory.of(planned, optimizer),
                    Map.copyOf(meter.phases()),
                    wire.seconds(),
                    wire.wireBytes(),
                    (long) cards * rows * (question.inputLength() + question.targetLength()));
        }
    }

    /** The step in seconds: nothing but exchanges runs beside anything else. */
    public double stepSeconds() {
        return phases.values().stream().mapToDouble(Work::seconds).sum();
    }

    /** Input and target positions a second, of all cards. */
    public double tokensPerSecond() {
        return tokens / stepSeconds();
    }

    /** The share of a step in which cards wait for exchanges. */
    public double exposedShare() {
        Work exchanges = phases.get(Phase.COMMUNICATION);
        return exchanges == null ? 0 : exchanges.seconds() / stepSeconds();
    }
}
