package dev.sparkswitch.jobs;

import dev.sparkswitch.bench.StepBenchmark;
import dev.sparkswitch.bench.StepReport;
import dev.sparkswitch.model.T5Config;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sparkswitch bench step}: how fast this host trains a model. */
@Command(
        name = "step",
        description = "Times training steps of a model on this host, as a whole and by phases. Needs no Spark.",
        footer = {
            "  sparkswitch bench step --set model=switch-base-8 batch=16 steps=5",
            "  sparkswitch bench step --set model=switch-base-64 ranks=2 batch=64",
            "  sparkswitch bench step --json --set engine.kind=nd4j optimizer=adamw dropout=0",
        })
public final class BenchStepJob extends Job<BenchStepConfig> {
    @Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    BenchStepJob() {
        super(BenchStepConfig.class);
    }

    @Override
    Optional<CommandGroup> group() {
        return Optional.of(CommandGroup.BENCH);
    }

    @Override
    protected void run(BenchStepConfig config, JobContext context) {
        T5Config model = config.modelToMeasure();
        StepReport report =
                StepBenchmark.run(rank -> config.engine().open(config.resources(rank)), model, config.plan());
        PrintWriter out = context.out();
        if (json) {
            out.println(report.toJson().toPrettyString());
        } else {
            report.lines(config.operations()).forEach(out::println);
        }
    }
}
