package dev.sparkswitch.jobs;

import dev.sparkswitch.bench.OperationBenchmark;
import dev.sparkswitch.bench.OperationReport;
import dev.sparkswitch.jobs.run.RankResources;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sparkswitch bench ops}: how fast this host does the operations of a training step, each by itself. */
@Command(
        name = "ops",
        description = "Times the operations of a model's training step one by one. Needs no Spark.",
        footer = {
            "  sparkswitch bench ops --set model=switch-base-64 engine.kind=cuda",
            "  sparkswitch bench ops --set named=attention batch=8",
        })
public final class BenchOpsJob extends Job<BenchOpsConfig> {
    @Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    BenchOpsJob() {
        super(BenchOpsConfig.class);
    }

    @Override
    Optional<CommandGroup> group() {
        return Optional.of(CommandGroup.BENCH);
    }

    @Override
    protected void run(BenchOpsConfig config, JobContext context) {
        OperationReport report = OperationBenchmark.run(
                () -> config.engine().open(RankResources.wholeMachine()), config.model(), config.plan());
        PrintWriter out = context.out();
        if (json) {
            out.println(report.toJson().toPrettyString());
        } else {
            report.lines().forEach(out::println);
        }
    }
}
