package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.run.Generate;
import dev.sparkswitch.jobs.run.GenerateConfig;
import picocli.CommandLine.Command;

/** {@code sparkswitch generate}: a model and rows to rows with answers. */
@Command(
        name = "generate",
        description = "Writes an answer to every row of text, JSON lines or Parquet, by a model and a prompt.",
        footer = {
            "  sparkswitch generate --set 'input.paths=[/data/articles]' --set prompt=summarize",
            "  sparkswitch generate --set 'input={paths: [questions.txt], format: text}' --set 'prompt=question: {text}'",
            "  sparkswitch generate --set 'input.paths=[/data/de]' --set prompt=translate-english-to-german \\",
            "    --set 'generation={mode: beam, beams: 4, length-penalty: 0.6}'",
        })
public final class GenerateJob extends Job<GenerateConfig> {
    GenerateJob() {
        super(GenerateConfig.class);
    }

    @Override
    protected void run(GenerateConfig config, JobContext context) {
        context.finished(Generate.run(context.sparkFor(SparkProfile.data())::get, context.hadoop(), config));
    }
}
