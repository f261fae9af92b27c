package dev.sparkswitch.jobs;

import dev.sparkswitch.corpus.Vocab;
import dev.sparkswitch.corpus.VocabConfig;
import picocli.CommandLine.Command;

/** {@code sparkswitch vocab}: a corpus to a vocabulary. */
@Command(
        name = "vocab",
        description = {
            "Trains a SentencePiece vocabulary on the training split of a corpus, or takes an existing one.",
            "Beside the model: tokenizer.json for transformers, and report.html.",
        },
        footer = {
            "  sparkswitch vocab --set size=8000",
            "  sparkswitch vocab --set model=bpe --set byte-fallback=true --set sample=0.1",
            "  sparkswitch vocab --set from=t5-base/spiece.model --set output=run/t5-vocabulary",
            "  sparkswitch vocab --set corpus=/data/corpus --set output=/data/vocabulary",
        })
public final class VocabJob extends Job<VocabConfig> {
    VocabJob() {
        super(VocabConfig.class);
    }

    @Override
    protected void run(VocabConfig config, JobContext context) {
        context.finished(Vocab.run(context.sparkFor(SparkProfile.data()), context.hadoop(), config));
    }
}
