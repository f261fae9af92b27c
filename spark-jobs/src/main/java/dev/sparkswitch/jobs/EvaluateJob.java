package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.run.Evaluate;
import dev.sparkswitch.jobs.run.EvaluateConfig;
import picocli.CommandLine.Command;

/** {@code sparkswitch evaluate}: a model and tasks to scores. */
@Command(
        name = "evaluate",
        description = "Answers the examples of downstream tasks and scores the answers as the official scorers do.",
        footer = {
            "  sparkswitch evaluate --set from=run/tuned --set 'tasks=[{task: squad, path: data/squad}]'",
            "  sparkswitch evaluate --set predictions=theirs.jsonl --set 'tasks=[{task: squad, path: data/squad}]'",
        })
public final class EvaluateJob extends Job<EvaluateConfig> {
    EvaluateJob() {
        super(EvaluateConfig.class);
    }

    @Override
    protected void run(EvaluateConfig config, JobContext context) {
        context.finished(Evaluate.run(context.sparkFor(SparkProfile.data())::get, context.hadoop(), config));
    }
}
