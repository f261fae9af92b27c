package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Checksums;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Tasks;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;

/** A source with what it holds at hand. */
sealed interface OpenSource {
    /** By which rates and counts name it. */
    String name();

    /** The number of its first bucket, the same in both splits. */
    int firstBucket();

    /** What is made of its stretches; a task, which has none, names any. */
    Objective objective();

    /** A line for people on what is made of it. */
    String describe();

    /** What the result depends on. */
    Manifest.Input input();

    /** Text, whose stretches an objective makes examples of. */
    record Text(String name, int firstBucket, Corpus corpus, Objective objective, int length) implements OpenSource {
        @Override
        public Manifest.Input input() {
            return corpus.asInput(name);
        }

        @Override
        public String describe() {
            return objective.describe();
        }
    }

    /** A task: examples that are there already, few enough for one machine to tokenize. */
    record Pairs(String name, int firstBucket, String task, List<Example> examples, Manifest.Input input)
            implements OpenSource {
        @Override
        public Objective objective() {
            return new PlainLm();
        }

        @Override
        public String describe() {
            return "task " + task;
        }

        /**
         * The examples of a split, in their order, the texts' ids each with the end piece. A text that is too long is cut
         * before the end piece is added, as T5 does it.
         */
        Iterator<RawExample> encoded(Tokenizer tokenizer, BatchConfig config, Split split) {
            ShardTask.Form form = config.form();
            List<RawExample> encoded = new ArrayList<>();
            for (int number = 0; number < examples.size(); number++) {
                Lot lot = Lot.of(config.seed(), new Objective.Place(firstBucket, number, 0));
                boolean wanted = (lot.heldOut() < config.taskHeldout()) == (split == Split.HELD_OUT);
                if (wanted && Lot.sampled(config.seed(), firstBucket, number, config.sample())) {
                    Example example = examples.get(number);
                    encoded.add(RawExample.pair(
                            encode(tokenizer, example.input(), form.inputLength()),
                            encode(tokenizer, example.target(), form.targetLength())));
                }
            }
            return encoded.iterator();
        }

        private static int[] encode(Tokenizer tokenizer, String text, int length) {
            int[] tokens = tokenizer.encode(text);
            return Objective.ended(tokens, 0, Math.min(tokens.length, length - 1), tokenizer.eosId());
        }
    }

    /**
     * Opens the sources of a configuration, in their order.
     *
     * @throws dev.sparkswitch.base.UserException if one is missing or no corpus or task
     */
    static List<OpenSource> open(Configuration hadoop, BatchConfig config) {
        List<OpenSource> opened = new ArrayList<>();
        int bucket = 0;
        for (BatchSource source : config.everySource()) {
            if (source.corpus().isPresent()) {
                Objective objective = source.objective().orElse(config.objective());
                int length =
                        objective.lengths(config.inputs(), config.targets()).raw();
                Corpus corpus = Corpus.open(hadoop, source.corpus().get());
                opened.add(new Text(source.label(), bucket, corpus, objective, length));
                bucket += Math.max(config.buckets(), config.heldoutBuckets());
            } else {
                opened.add(task(source, bucket));
                bucket++;
            }
        }
        return opened;
    }

    private static Pairs task(BatchSource source, int bucket) {
        String task = source.task().orElseThrow();
        String path = source.path().orElseThrow();
        List<Example> examples =
                Tasks.named(task).read(java.nio.file.Path.of(path), dev.sparkswitch.eval.task.Split.TRAIN).stream()
                        .filter(Example::hasGold)
                        .toList();
        CRC32C content = new CRC32C();
        for (Example example : examples) {
            content.update((example.input() + "\n" + example.target() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        Manifest.Input input = new Manifest.Input(source.label(), path, Checksums.text(content));
        return new Pairs(source.label(), bucket, task, examples, input);
    }

    /** The buckets of {@code split}. */
    default int buckets(BatchConfig config, Split split) {
        return this instanceof Text ? config.buckets(split) : 1;
    }
}
