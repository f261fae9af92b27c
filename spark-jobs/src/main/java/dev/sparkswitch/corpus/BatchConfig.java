package dev.sparkswitch.corpus;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The settings of {@link Batch}. */
public record BatchConfig(
        @Setting(help = "folder of the corpus, as prepare made it")
        Optional<String> corpus,

        @Setting(help = "folder of the vocabulary, as vocab made it")
        String vocabulary,

        @Setting(help = "folder for the shards; they go to its folders train and heldout")
        String output,

        @Setting(value = "128", help = "tokens of an input row")
        int inputs,

        @Setting(help = "tokens of a target row; by default what the objectives need")
        Optional<Integer> targets,

        @Setting(help = "what is made of text: a corpus's spans are left out, or it is continued")
        Objective objective,

        @Setting(value = "[]", help = "further corpora and tasks, mixed with the corpus")
        List<BatchSource> sources,

        @Setting(help = "how often each source is drawn from in training")
        Mixture mixture,

        @Setting(value = "none", help = "segments: a row holds as many examples as fit one after the other")
        Packing packing,

        @Setting(value = "64", help = "buckets in which a corpus's training documents are strung together")
        int buckets,

        @Setting(value = "1", help = "buckets in which a corpus's held-out documents are strung together")
        int heldoutBuckets,

        @Setting(value = "0.02", help = "share of a task's examples that goes to heldout")
        double taskHeldout,

        @Setting(value = "1", help = "times that the training text is run through, each time with other masks")
        int passes,

        @Setting(value = "1", help = "times that the held-out text is run through")
        int heldoutPasses,

        @Setting(value = "1", help = "share of documents and task examples that is used, to try settings on few")
        double sample,

        @Setting(value = "64MiB", help = "size that a shard should have")
        DataSize shardSize,

        @Setting(value = "0", help = "seed of the corruption and of the shuffle")
        long seed) {
    private static final int MOST_PASSES = 10_000;
    private static final int SHORTEST_ROW = 8;

    public BatchConfig {
        if (corpus.isEmpty() && sources.isEmpty()) {
            throw new IllegalArgumentException("corpus or sources must name something to make examples of");
        }
        if (buckets < 1 || heldoutBuckets < 1) {
            throw new IllegalArgumentException(
                    "buckets " + buckets + " and heldout-buckets " + heldoutBuckets + " must be 1 or more");
        }
        if (passes < 1 || heldoutPasses < 1 || passes > MOST_PASSES || heldoutPasses > MOST_PASSES) {
            throw new IllegalArgumentException(
                    "passes " + passes + " and heldout-passes " + heldoutPasses + " must lie in 1.." + MOST_PASSES);
        }
        requireLength("inputs", inputs);
        targets.ifPresent(length -> requireLength("targets", length));
        if (shardSize.bytes() < 1) {
            throw new IllegalArgumentException("shard-size " + shardSize + " must be more than nothing");
        }
        if (!(taskHeldout >= 0 && taskHeldout < 1)) {
            throw new IllegalArgumentException("task-heldout " + taskHeldout + " must lie in [0, 1)");
        }
        if (!(sample > 0 && sample <= 1)) {
            throw new IllegalArgumentException("sample " + sample + " must lie in (0, 1]");
        }
        sources = List.copyOf(sources);
        List<Objective> objectives = objectives(corpus, objective, sources);
        if (objectives.isEmpty() && targets.isEmpty()) {
            throw new IllegalArgumentException("tasks alone do not tell how long targets are: give targets");
        }
        for (Objective one : objectives) {
            Objective.Lengths lengths = one.lengths(inputs, targets);
            if (one instanceof SpanCorruption corruption) {
                requireSentinels(corruption, inputs, lengths.raw());
            }
        }
    }

    private static void requireLength(String key, int length) {
        if (length < SHORTEST_ROW || length > SpanCorruption.MAX_LENGTH / 8) {
            throw new IllegalArgumentException(
                    key + " " + length + " must lie in " + SHORTEST_ROW + ".." + SpanCorruption.MAX_LENGTH / 8);
        }
    }

    private static void requireSentinels(SpanCorruption corruption, int inputs, int raw) {
        int spans = corruption.counts(raw).spans();
        if (spans > Tokenizer.SENTINELS) {
            throw new IllegalArgumentException("inputs " + inputs + " with noise-density " + corruption.noiseDensity()
                    + " and mean-span-length " + corruption.meanSpanLength() + " give " + spans
                    + " spans a row, but there are only " + Tokenizer.SENTINELS
                    + " sentinels; shorten inputs or lengthen the spans");
        }
    }

    private static List<Objective> objectives(Optional<String> corpus, Objective objective, List<BatchSource> sources) {
        List<Objective> objectives = new ArrayList<>();
        corpus.ifPresent(folder -> objectives.add(objective));
        for (BatchSource source : sources) {
            source.corpus()
                    .ifPresent(folder -> objectives.add(source.objective().orElse(objective)));
        }
        return objectives;
    }

    /** The corpus, where there is one, and the further sources. */
    List<BatchSource> everySource() {
        List<BatchSource> all = new ArrayList<>();
        corpus.ifPresent(folder -> all.add(BatchSource.corpus(folder)));
        all.addAll(sources);
        return all;
    }

    /** The form of the rows: as long as the longest example of any source, tasks being cut. */
    ShardTask.Form form() {
        int inputLength = 0;
        int targetLength = targets.orElse(0);
        for (Objective one : objectives(corpus, objective, sources)) {
            Objective.Lengths lengths = one.lengths(inputs, targets);
            inputLength = Math.max(inputLength, lengths.inputs());
            targetLength = Math.max(targetLength, lengths.targets());
        }
        if (sources.stream().anyMatch(source -> source.task().isPresent())) {
            inputLength = inputs;
        }
        return new ShardTask.Form(inputLength, targetLength, packing);
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
