package dev.sparkswitch.jobs;

import dev.sparkswitch.corpus.Batch;
import dev.sparkswitch.corpus.BatchConfig;
import dev.sparkswitch.corpus.BatchResult;
import picocli.CommandLine.Command;

/** {@code sparkswitch batch}: corpora, tasks and a vocabulary to shards. */
@Command(
        name = "batch",
        description =
                "Tokenizes corpora and tasks, masks spans of text as T5 does or cuts it in two, mixes and packs the"
                        + " examples and writes Arrow shards for training.",
        footer = {
            "  sparkswitch batch --set inputs=512",
            "  sparkswitch batch --set corpus=/data/corpus --set seed=7 --sample 0.01",
            "  sparkswitch batch --set objective=prefix-lm --set packing=segments"
        })
public final class BatchJob extends Job<BatchConfig> {
    BatchJob() {
        super(BatchConfig.class);
    }

    @Override
    protected void run(BatchConfig config, JobContext context) {
        BatchResult result = Batch.run(context.sparkFor(SparkProfile.data()), context.hadoop(), config);
        context.finished(result.train());
        context.finished(result.heldout());
    }
}
