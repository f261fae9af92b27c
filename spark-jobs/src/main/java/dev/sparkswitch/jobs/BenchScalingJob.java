package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.bench.DataBenchmark;
import dev.sparkswitch.jobs.bench.ScalingBenchmark;
import dev.sparkswitch.jobs.run.Pretrain;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code sparkswitch bench scaling}: what more ranks bring, and what checkpoints cost. */
@Command(
        name = "scaling",
        description =
                "Times pre-training on numbers of ranks that have the same experts and tokens each, with checkpoints.",
        footer = {
            "  sparkswitch bench scaling",
            "  sparkswitch bench scaling --set ranks=[1] steps=400 checkpoint-every=200",
            "  sparkswitch bench scaling --set model=switch-base-32 ranks=[1,2] place=host engine.kind=cuda batch=32",
        })
public final class BenchScalingJob extends Job<BenchScalingConfig> {
    BenchScalingJob() {
        super(BenchScalingConfig.class);
    }

    @Override
    Optional<CommandGroup> group() {
        return Optional.of(CommandGroup.BENCH);
    }

    @Override
    protected void run(BenchScalingConfig config, JobContext context) throws Exception {
        Path folder = config.folder().isPresent()
                ? Files.createDirectories(Path.of(config.folder().get()))
                : Files.createTempDirectory("sparkswitch-bench");
        try {
            ScalingBenchmark benchmark = new ScalingBenchmark(config.plan(), folder, context.hadoop());
            benchmark.run(
                    config.model(),
                    config::cluster,
                    run -> context.sparkForTraining(run.cluster(), Pretrain.memory(context.hadoop(), run)),
                    context.out());
        } finally {
            if (config.folder().isEmpty()) {
                DataBenchmark.delete(folder);
            }
        }
    }
}
