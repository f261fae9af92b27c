package dev.sparkswitch.jobs;

import dev.sparkswitch.corpus.Prepare;
import dev.sparkswitch.corpus.PrepareConfig;
import picocli.CommandLine.Command;

/** {@code sparkswitch prepare}: raw text to a corpus. */
@Command(
        name = "prepare",
        description = "Cleans raw text of a data lake into a corpus: language, rules, deduplication, a held-out split.",
        footer = {
            "  sparkswitch prepare --set 'input.paths=[/data/texts]'",
            "  sparkswitch prepare --config my-prepare.yaml --set preset=light",
            "  sparkswitch prepare --set 'input={paths: [s3a://crawl/wet/*.gz], format: warc}' --set sample=10000",
            "  sparkswitch prepare --set 'input={table: lake.pages, text-column: body}' --set dropped=true",
        })
public final class PrepareJob extends Job<PrepareConfig> {
    PrepareJob() {
        super(PrepareConfig.class);
    }

    @Override
    protected void run(PrepareConfig config, JobContext context) {
        context.finished(Prepare.run(context.sparkFor(SparkProfile.data()), context.hadoop(), config), Prepare.REPORT);
    }
}
