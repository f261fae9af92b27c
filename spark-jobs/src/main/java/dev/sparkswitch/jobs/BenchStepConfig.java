package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.bench.StepBenchmark;
import dev.sparkswitch.jobs.run.EngineSettings;
import dev.sparkswitch.jobs.run.RankResources;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.OptimizerKind;
import java.util.Optional;

/**
 * The settings of {@code bench step}.
 *
 * @param model the model
 * @param engine on what
 * @param ranks ranks that share a step, each with its card or its share of the cores
 * @param batch rows a step
 * @param inputs input positions a row
 * @param targets target positions a row
 * @param steps steps that count
 * @param warmUp steps before them
 * @param profiled steps after them, whose operations are timed one by one
 * @param optimizer the rule of the updates
 * @param exchangeChunks parts in which a rank's experts exchange tokens
 * @param dropout instead of the model's, inside experts and out
 * @param operations lines below each phase
 */
public record BenchStepConfig(
        @Setting(help = "the model, or a file of conf/models")
        T5Config model,

        @Setting(help = "the engine") EngineSettings engine,

        @Setting(value = "1", help = "ranks that share a step and its experts, each on a card of its own")
        int ranks,

        @Setting(value = "32", help = "rows a step, of all ranks together")
        int batch,

        @Setting(value = "512", help = "input positions a row")
        int inputs,

        @Setting(value = "114", help = "target positions a row")
        int targets,

        @Setting(value = "20", help = "steps that count") int steps,
        @Setting(value = "3", help = "steps before them") int warmUp,

        @Setting(value = "3", help = "steps after them with every operation timed; 0 for no phases")
        int profiled,

        @Setting(value = "adafactor", help = "adafactor or adamw")
        OptimizerKind optimizer,

        @Setting(value = "0", help = "parts in which a rank's experts exchange tokens, at most one for each; 0 chooses")
        int exchangeChunks,

        @Setting(help = "dropout inside experts and out; the model's own where not given")
        Optional<Double> dropout,

        @Setting(value = "0", help = "how many operations to show below each phase")
        int operations) {

    StepBenchmark.Plan plan() {
        return new StepBenchmark.Plan(
                ranks, batch, inputs, targets, warmUp, steps, profiled, optimizer, exchangeChunks);
    }

    /** A card of its own for a rank, or its share of the cores. */
    RankResources resources(int rank) {
        return new RankResources(Math.max(1, RankResources.wholeMachine().cores() / ranks), rank);
    }

    /** The model with the dropout that is asked for. */
    T5Config modelToMeasure() {
        if (dropout.isEmpty()) {
            return model;
        }
        double rate = dropout.get();
        T5Config.Builder builder = model.toBuilder().dropout(rate);
        model.sparse()
                .ifPresent(sparse ->
                        builder.sparse(sparse.toBuilder().expertDropout(rate).build()));
        return builder.build();
    }
}
