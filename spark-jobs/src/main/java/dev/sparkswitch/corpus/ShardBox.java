package dev.sparkswitch.corpus;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The making of one split's shards: tokens by buckets, a survey of their places in the shuffle, then shard by shard. What a
 * stopped run finished, buckets and shards, is not made again.
 */
final class ShardBox {
    private final Configuration hadoop;
    private final BatchConfig config;
    private final Split split;
    private final List<OpenSource> sources;
    private final Vocabulary vocabulary;
    private final OutputFolder output;
    private final BucketFiles buckets;
    private final ShardNotes notes;

    ShardBox(
            Configuration hadoop,
            BatchConfig config,
            Split split,
            List<OpenSource> sources,
            Vocabulary vocabulary,
            OutputFolder output) {
        this.hadoop = hadoop;
        this.config = config;
        this.split = split;
        this.sources = sources;
        this.vocabulary = vocabulary;
        this.output = output;
        SerializableConfiguration sent = new SerializableConfiguration(hadoop);
        this.buckets = new BucketFiles(sent, new Path(output.work(), "tokens").toString());
        this.notes = new ShardNotes(sent, new Path(output.work(), "shards").toString());
    }

    OutputFolder output() {
        return output;
    }

    /**
     * Makes the shards, but commits nothing.
     *
     * @param identity tells this work from all other
     * @param files gets the shards' entries in the manifest
     * @return what the shards hold
     * @throws UserException if there is nothing to make them of
     */
    BoxStatistics make(
            String identity, Steps steps, int partitions, Broadcast<byte[]> model, List<Manifest.Entry> files) {
        output.resume(identity);
        try (Tokenizer tokenizer = vocabulary.tokenizer()) {
            if (!buckets.areComplete()) {
                tokenize(steps, partitions, model, tokenizer);
                buckets.complete();
            }
            return write(steps, partitions, tokenizer, files);
        }
    }

    private void tokenize(Steps steps, int partitions, Broadcast<byte[]> model, Tokenizer tokenizer) {
        for (OpenSource source : sources) {
            if (source instanceof OpenSource.Text text) {
                tokenize(text, steps, partitions, model);
            } else if (source instanceof OpenSource.Pairs pairs) {
                buckets.write(pairs.firstBucket(), pairs.encoded(tokenizer, config, split));
            }
        }
    }

    private void tokenize(OpenSource.Text text, Steps steps, int partitions, Broadcast<byte[]> model) {
        LongAccumulator read = steps.spark().sparkContext().longAccumulator();
        Stretches stretches = new Stretches(
                buckets,
                model,
                text.firstBucket(),
                text.length(),
                text.objective().shortest(),
                read);
        Dataset<Row> documents = Stretches.sample(text.corpus().documents(steps.spark(), split), config.sample());
        Set<Integer> done = buckets.finished().keySet();
        long bytes = text.corpus().manifest().counts().getOrDefault(PassTask.TEXT_BYTES, 0L);
        Dataset<Row> placed = stretches.buckets(documents, config.buckets(split), done, partitions, bytes);
        boolean all = done.isEmpty() && config.sample() == 1;
        long expected = all ? text.corpus().documents(split) : 0;
        String step = "tokenize " + split.text() + (sources.size() > 1 ? ", " + text.name() : "");
        steps.run(step, new Steps.Count(read, expected, "documents"), () -> {
            placed.javaRDD().foreachPartition(stretches::write);
            return null;
        });
    }

    private BoxStatistics write(Steps steps, int partitions, Tokenizer tokenizer, List<Manifest.Entry> files) {
        SortedMap<Integer, Long> counts = buckets.finished();
        Recipe recipe = recipe(counts, tokenizer);
        ShardTask.Form form = config.form();
        BucketPass pass = new BucketPass(buckets, recipe);
        Survey survey = steps.run(
                "survey " + split.text(), () -> pass.survey(steps.spark(), counts, form.packing(), partitions));
        if (survey.examples() == 0) {
            throw nothing();
        }
        ShufflePlan plan = survey.plan(shardExamples(form, survey));
        SortedMap<Integer, ShardNotes.Note> done = notes.read(output.folder());
        discardUnfinished(done.values());
        boolean[] wanted = new boolean[plan.shards()];
        for (int shard = 0; shard < wanted.length; shard++) {
            wanted[shard] = !done.containsKey(shard);
        }
        // One object for both passes over it, so that Spark shuffles once.
        JavaRDD<Row> examples =
                pass.shuffled(steps.spark(), counts, plan, wanted, partitions).javaRDD();
        List<ShardTask.Written> written = new ArrayList<>(
                done.values().stream().map(ShardTask.Written::of).toList());
        long left = survey.examples()
                - written.stream().mapToLong(one -> one.statistics().examples()).sum();
        if (left > 0) {
            LongAccumulator progress = steps.spark().sparkContext().longAccumulator();
            ShardTask task = new ShardTask(
                    new SerializableConfiguration(hadoop),
                    output.folder().toString(),
                    form,
                    recipe,
                    notes,
                    firstRows(steps, examples, plan, recipe, done),
                    progress);
            written.add(steps.run(
                    "write " + split.text(),
                    new Steps.Count(progress, left, "examples"),
                    () -> examples.mapPartitions(task::write).treeReduce(ShardTask.Written::merge)));
        }
        ShardTask.Written all =
                written.stream().reduce(ShardTask.Written::merge).orElseThrow();
        files.addAll(all.files());
        return BoxStatistics.of(sources, recipe, all.statistics(), survey.tokens());
    }

    /** How often each source is gone through: the mixture decides in training; held-out examples are all scored alike. */
    private Recipe recipe(SortedMap<Integer, Long> counts, Tokenizer tokenizer) {
        long[] examples = new long[sources.size()];
        for (int i = 0; i < examples.length; i++) {
            int first = sources.get(i).firstBucket();
            for (long count : counts.subMap(first, first + sources.get(i).buckets(config, split))
                    .values()) {
                examples[i] += count;
            }
        }
        if (Arrays.stream(examples).sum() == 0) {
            throw nothing();
        }
        double[] passes =
                switch (split) {
                    case TRAIN -> config.mixture().passes(mixed(examples), config.passes());
                    case HELD_OUT -> {
                        double[] same = new double[examples.length];
                        Arrays.fill(same, config.heldoutPasses());
                        yield same;
                    }
                };
        List<Recipe.Part> parts = new ArrayList<>();
        for (int i = 0; i < examples.length; i++) {
            OpenSource source = sources.get(i);
            if (passes[i] > Recipe.MOST_PASSES) {
                throw new UserException(String.format(
                        Locale.ROOT,
                        "The mixture goes through the %,d examples of '%s' %,.0f times, more than the %,d that are"
                                + " possible; lower its rate or passes.",
                        examples[i],
                        source.name(),
                        passes[i],
                        Recipe.MOST_PASSES));
            }
            parts.add(new Recipe.Part(source.name(), source.firstBucket(), source.objective(), passes[i]));
        }
        return new Recipe(parts, config.seed(), tokenizer.vocabularySize(), tokenizer.pieces(), tokenizer.eosId());
    }

    private List<Mixture.Source> mixed(long[] examples) {
        List<Mixture.Source> mixed = new ArrayList<>();
        for (int i = 0; i < examples.length; i++) {
            mixed.add(new Mixture.Source(sources.get(i).name(), examples[i]));
        }
        return mixed;
    }

    private UserException nothing() {
        String names = String.join(", ", sources.stream().map(OpenSource::name).toList());
        return new UserException("There is no text in the split '" + split.text() + "' of " + names
                + "; run 'sparkswitch prepare' with more text or another share for heldout.");
    }

    /** Examples that fill a shard of about the wanted size. */
    private long shardExamples(ShardTask.Form form, Survey survey) {
        double columns = (double) Integer.BYTES * (form.inputLength() + form.targetLength());
        double examples =
                switch (form.packing()) {
                    case NONE -> config.shardSize().bytes() / columns;
                    // Tokens, segments and positions. Examples in their order leave gaps; a quarter is usual.
                    case SEGMENTS ->
                        config.shardSize().bytes()
                                / (3 * columns)
                                * (0.75 * survey.examplesOfRow(form.inputLength(), form.targetLength()));
                };
        return Math.max(1, (long) examples);
    }

    /** The global row that each shard begins with. Packed rows must be counted first, since shards are written side by side. */
    private long[] firstRows(
            Steps steps, JavaRDD<Row> examples, ShufflePlan plan, Recipe recipe, Map<Integer, ShardNotes.Note> done) {
        long[] first = new long[plan.shards()];
        if (config.packing() == Packing.NONE) {
            for (int shard = 0; shard < first.length; shard++) {
                first[shard] = plan.firstRow(shard);
            }
            return first;
        }
        ShardTask.Form form = config.form();
        long[] rows = new long[plan.shards()];
        for (long[] counted : steps.run(
                "pack " + split.text(), () -> examples.mapPartitions(shard -> ShardTask.countRows(shard, form, recipe))
                        .collect())) {
            rows[(int) counted[0]] = counted[1];
        }
        done.forEach((shard, note) -> rows[shard] = note.statistics().rows());
        for (int shard = 1; shard < first.length; shard++) {
            first[shard] = first[shard - 1] + rows[shard - 1];
        }
        return first;
    }

    /** Removes shards without a note: whoever wrote them did not finish. */
    private void discardUnfinished(Collection<ShardNotes.Note> done) {
        try {
            for (FileStatus status : output.files().listStatus(output.data())) {
                String path = OutputFolder.DATA + "/" + status.getPath().getName();
                if (done.stream().noneMatch(note -> note.entry().path().equals(path))) {
                    output.files().delete(status.getPath(), false);
                }
            }
        } catch (IOException e) {
            throw new ResourceException(
                    "The output folder " + output.folder() + " cannot be cleared of unfinished shards ("
                            + e.getMessage() + "); check your rights.",
                    e);
        }
    }
}
