package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.study.Study;
import dev.sparkswitch.jobs.study.StudyConfig;
import dev.sparkswitch.jobs.study.StudyPlan;
import java.io.PrintWriter;
import picocli.CommandLine.Command;

/** {@code sparkswitch study}: several models on the same rows, and the page that compares them. */
@Command(
        name = "study",
        description = "Trains variants of a model on the same rows and compares what each costs and reaches.",
        footer = {
            "  sparkswitch study --config conf/studies/headline-tiny.yaml",
            "  sparkswitch study --config conf/studies/headline.yaml --set time=5m time-limit=9m",
            "  sparkswitch study --set variants.switch-16.model.sparse.experts=16",
        })
public final class StudyJob extends Job<StudyConfig> {
    StudyJob() {
        super(StudyConfig.class);
    }

    @Override
    protected void plan(StudyConfig config, PrintWriter out) {
        StudyPlan.of(config, sectionFiles()).printPlanned(JobContext.hadoopSettings(), out);
    }

    @Override
    protected void run(StudyConfig config, JobContext context) {
        StudyPlan plan = StudyPlan.of(config, sectionFiles());
        Study.run(
                plan,
                context.sparkForTraining(Study.cluster(plan), Study.memory(plan, context.hadoop())),
                context.hadoop(),
                context.out());
    }
}
