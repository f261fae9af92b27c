package dev.sparkswitch.jobs;

import dev.sparkswitch.corpus.Batch;
import dev.sparkswitch.corpus.BatchConfig;
import dev.sparkswitch.corpus.BatchResult;
import picocli.CommandLine.Command;

/** {@code sparkswitch batch}: a corpus and a vocabulary to shards. */
@Command(
        name = "batch",
        description = "Tokenizes a corpus, masks spans of it as T5 does and writes Arrow shards for pre-training.",
        footer = {"  sparkswitch batch --set inputs=512", "  sparkswitch batch --set corpus=/data/corpus --set seed=7"})
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
