package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.run.Convert;
import dev.sparkswitch.jobs.run.ConvertConfig;
import java.io.PrintWriter;
import picocli.CommandLine.Command;

/** {@code sparkswitch convert}: a model to another layout, another type, or another model. */
@Command(
        name = "convert",
        description = {
            "Writes a model for transformers or as a checkpoint, in another type, with experts or without them.",
            "Memory stays small whatever the size of the model; Spark is not started.",
        },
        footer = {
            "  sparkswitch convert --set from=run/model --set vocabulary=run/vocabulary --set output=run/exported",
            "  sparkswitch convert --set from=t5-base --set format=checkpoint --set upcycle.experts=8",
            "  sparkswitch convert --set from=run/model --set dense-student=true --set output=run/student",
            "  sparkswitch convert --set from=switch-base-8 --set dtype=bf16 --set shard-size=2GB",
        })
public final class ConvertJob extends Job<ConvertConfig> {
    ConvertJob() {
        super(ConvertConfig.class);
    }

    @Override
    protected void run(ConvertConfig config, JobContext context) {
        context.finished(Convert.run(context.hadoop(), config));
    }

    @Override
    protected void plan(ConvertConfig config, PrintWriter out) {
        Convert.plan(JobContext.hadoopSettings(), config).forEach(line -> out.println("# " + line));
    }
}
