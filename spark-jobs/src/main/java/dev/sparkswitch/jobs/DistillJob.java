package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.run.Distill;
import dev.sparkswitch.jobs.run.DistillConfig;
import java.io.PrintWriter;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;

/** {@code sparkswitch distill}: a Switch model to a dense one. */
@Command(
        name = "distill",
        description = "Trains a small dense model on data and on what a Switch model says of it.",
        footer = {
            "  sparkswitch distill --set teacher=run/model --set shards=run/shards",
            "  sparkswitch distill --set teacher=run/tuned --set 'tasks=[{task: squad, path: data/squad}]' --set baseline=train",
        })
public final class DistillJob extends Job<DistillConfig> {
    DistillJob() {
        super(DistillConfig.class);
    }

    @Override
    protected void run(DistillConfig config, JobContext context) {
        context.finished(Distill.run(
                context.sparkForTraining(config.cluster(), Distill.memory(context.hadoop(), config)),
                context.hadoop(),
                config));
    }

    @Override
    protected void plan(DistillConfig config, PrintWriter out) {
        Configuration hadoop = JobContext.hadoopSettings();
        Distill.plan(hadoop, config).forEach(line -> out.println("# " + line));
        printMemory(Distill.memory(hadoop, config), out);
    }
}
