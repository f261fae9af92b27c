package dev.sparkswitch.corpus;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.tokenizer.Tokenizer;

/** The settings of {@link Batch}. */
public record BatchConfig(
        @Setting(help = "folder of the corpus, as prepare made it")
        String corpus,

        @Setting(help = "folder of the vocabulary, as vocab made it")
        String vocabulary,

        @Setting(help = "folder for the shards; they go to its folders train and heldout")
        String output,

        @Setting(value = "128", help = "tokens of an input row; the length of targets follows from it")
        int inputs,

        @Setting(value = "0.15", help = "share of the tokens that is left out of the inputs")
        double noiseDensity,

        @Setting(value = "3", help = "tokens that a span left out has on average")
        double meanSpanLength,

        @Setting(value = "64", help = "buckets in which training documents are strung together")
        int buckets,

        @Setting(value = "1", help = "buckets in which held-out documents are strung together")
        int heldoutBuckets,

        @Setting(value = "1", help = "times that the training text is run through, each time with other masks")
        int passes,

        @Setting(value = "1", help = "times that the held-out text is run through")
        int heldoutPasses,

        @Setting(value = "64MiB", help = "size that a shard should have")
        DataSize shardSize,

        @Setting(value = "0", help = "seed of the corruption and of the shuffle")
        long seed) {
    private static final int MOST_PASSES = 10_000;

    public BatchConfig {
        if (buckets < 1 || heldoutBuckets < 1) {
            throw new IllegalArgumentException(
                    "buckets " + buckets + " and heldout-buckets " + heldoutBuckets + " must be 1 or more");
        }
        if (passes < 1 || heldoutPasses < 1 || passes > MOST_PASSES || heldoutPasses > MOST_PASSES) {
            throw new IllegalArgumentException(
                    "passes " + passes + " and heldout-passes " + heldoutPasses + " must lie in 1.." + MOST_PASSES);
        }
        if (inputs < 8 || inputs > SpanCorruption.MAX_LENGTH / 8) {
            throw new IllegalArgumentException("inputs " + inputs + " must lie in 8.." + SpanCorruption.MAX_LENGTH / 8);
        }
        if (shardSize.bytes() < 1) {
            throw new IllegalArgumentException("shard-size " + shardSize + " must be more than nothing");
        }
        int spans =
                new SpanCorruption(noiseDensity, meanSpanLength).lengths(inputs).spans();
        if (spans > Tokenizer.SENTINELS) {
            throw new IllegalArgumentException("inputs " + inputs + " with noise-density " + noiseDensity
                    + " and mean-span-length " + meanSpanLength + " give " + spans + " spans a row, but there are only "
                    + Tokenizer.SENTINELS + " sentinels; shorten inputs or lengthen the spans");
        }
    }

    SpanCorruption corruption() {
        return new SpanCorruption(noiseDensity, meanSpanLength);
    }

    int passes(Split split) {
        return switch (split) {
            case TRAIN -> passes;
            case HELD_OUT -> heldoutPasses;
        };
    }

    int buckets(Split split) {
        return switch (split) {
            case TRAIN -> buckets;
            case HELD_OUT -> heldoutBuckets;
        };
    }
}
