package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.bench.OperationBenchmark;
import dev.sparkswitch.jobs.run.EngineSettings;
import dev.sparkswitch.model.T5Config;

/**
 * The settings of {@code bench ops}.
 *
 * @param model whose sizes the operations have
 * @param engine on what
 * @param batch rows a step
 * @param inputs input positions a row
 * @param targets target positions a row
 * @param repeats readings of the clock, of which the median counts
 * @param named only operations whose names contain this
 */
public record BenchOpsConfig(
        @Setting(help = "the model, or a file of conf/models")
        T5Config model,

        @Setting(help = "the engine") EngineSettings engine,
        @Setting(value = "32", help = "rows a step") int batch,

        @Setting(value = "512", help = "input positions a row")
        int inputs,

        @Setting(value = "114", help = "target positions a row")
        int targets,

        @Setting(value = "9", help = "readings of the clock an operation; the median counts")
        int repeats,

        @Setting(value = "", help = "only operations whose names contain this, such as attention")
        String named) {

    OperationBenchmark.Plan plan() {
        return new OperationBenchmark.Plan(batch, inputs, targets, repeats, named);
    }
}
