package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.run.Finetune;
import dev.sparkswitch.jobs.run.FinetuneConfig;
import java.io.PrintWriter;
import picocli.CommandLine.Command;

/** {@code sparkswitch finetune}: a model and tasks to a tuned model. */
@Command(
        name = "finetune",
        description = "Trains a model on downstream tasks in their official file formats.",
        footer = {
            "  sparkswitch finetune --set from=run/model --set 'tasks=[{task: squad, path: data/squad}]'",
        })
public final class FinetuneJob extends Job<FinetuneConfig> {
    FinetuneJob() {
        super(FinetuneConfig.class);
    }

    @Override
    protected void run(FinetuneConfig config, JobContext context) {
        context.finished(Finetune.run(
                context.sparkForTraining(config.cluster(), Finetune.memory(context.hadoop(), config)),
                context.hadoop(),
                config));
    }

    @Override
    protected void plan(FinetuneConfig config, PrintWriter out) {
        printMemory(Finetune.memory(JobContext.hadoopSettings(), config), out);
    }
}
