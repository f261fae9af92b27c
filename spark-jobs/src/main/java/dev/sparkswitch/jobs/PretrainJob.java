package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.run.Pretrain;
import dev.sparkswitch.jobs.run.PretrainConfig;
import java.io.PrintWriter;
import picocli.CommandLine.Command;

/** {@code sparkswitch pretrain}: shards to checkpoints. */
@Command(
        name = "pretrain",
        description = "Trains a Switch Transformer on shards, its experts spread over executors.",
        footer = {
            "  sparkswitch pretrain --set shards=run/shards --set output=run/model",
            "  sparkswitch pretrain --set cluster.ranks=2 --set training.steps=1000",
            "  sparkswitch pretrain --set model=switch-base-16 --set model.dropout=0",
        })
public final class PretrainJob extends Job<PretrainConfig> {
    PretrainJob() {
        super(PretrainConfig.class);
    }

    @Override
    protected void plan(PretrainConfig config, PrintWriter out) {
        Pretrain.requireConsistent(config);
        printMemory(Pretrain.memory(JobContext.hadoopSettings(), config), out);
    }

    @Override
    protected void run(PretrainConfig config, JobContext context) {
        context.finished(Pretrain.run(
                context.sparkForTraining(config.cluster(), Pretrain.memory(context.hadoop(), config)),
                context.hadoop(),
                config));
    }
}
