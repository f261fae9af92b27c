package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardWriter;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.Mixture;
import dev.sparkswitch.corpus.OutputFolder;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The training examples of tasks as shards, in one shuffled order: keyed hashes of each example decide its place and whether it
 * is held out. Where a mixture draws from a task more often than it has examples, those come again, in another order each time.
 *
 * @param training the box to train on
 * @param heldOut the box to measure the loss on
 * @param validation the box of examples to answer, where a task's score chooses the model
 */
record TaskShards(Path training, Path heldOut, Optional<Path> validation) {
    /** Mixing may have to repeat small tasks; far more rows than examples are a mistake. */
    private static final long MOST_ROWS = 100_000_000;

    private record Row(int key, int[] inputs, int[] targets) {}

    /** One task's examples in the order of the file. */
    private record Read(String task, List<Row> training, List<Integer> numbers) {}

    /** Makes the shards in {@code folder}, or takes those that are there. */
    static TaskShards make(Configuration hadoop, Path folder, TaskData data, Vocabulary vocabulary) {
        data.requireMetric();
        Path training = new Path(folder, "train");
        Path heldOutBox = new Path(folder, "heldout");
        try {
            List<Read> tasks = new ArrayList<>();
            List<Row> heldOut = new ArrayList<>();
            CRC32C content = new CRC32C();
            read(data, vocabulary, tasks, heldOut, content);
            if (heldOut.isEmpty()
                    || tasks.stream().anyMatch(task -> task.training().isEmpty())) {
                throw new UserException("The tasks have too few examples to train on and to hold " + data.heldOut()
                        + " of them out: give more examples or raise held-out.");
            }
            heldOut.sort(Comparator.comparingInt(Row::key));
            List<Row> mixed = mixed(data, tasks);
            Optional<Path> validation = data.selection().byLoss()
                    ? Optional.empty()
                    : Optional.of(ValidationExamples.make(hadoop, new Path(folder, "validation"), data));
            String id = "crc32c:" + Long.toHexString(content.getValue());
            write(hadoop, training, mixed, data, vocabulary, id);
            write(hadoop, heldOutBox, heldOut, data, vocabulary, id);
            return new TaskShards(training, heldOutBox, validation);
        } catch (IOException e) {
            throw new ResourceException(
                    "The shards in " + folder + " cannot be written (" + e.getMessage()
                            + "): check the disk's space and your rights.",
                    e);
        }
    }

    /** How the models that are trained on these shards are compared. */
    TaskSelection selection(Configuration hadoop, TaskData data, Vocabulary vocabulary) {
        if (validation.isEmpty()) {
            return TaskSelection.byLoss(data.selection());
        }
        return new TaskSelection(
                data.selection(),
                data.tasks(),
                TrainingRun.qualified(hadoop, validation.get().toString()),
                vocabulary.folder().toString(),
                data.inputs(),
                data.targets());
    }

    private static void read(
            TaskData data, Vocabulary vocabulary, List<Read> tasks, List<Row> heldOut, CRC32C content) {
        Philox keys = RandomStream.SHUFFLE.at(data.seed(), 0, 0);
        int number = 0;
        try (Tokenizer tokenizer = vocabulary.tokenizer()) {
            for (TaskSource source : data.tasks()) {
                Read task = new Read(source.name(), new ArrayList<>(), new ArrayList<>());
                for (Example example : source.resolved().read(java.nio.file.Path.of(source.path()), Split.TRAIN)) {
                    content.update((example.input() + "\n" + example.target() + "\n").getBytes(StandardCharsets.UTF_8));
                    Row row = new Row(
                            keys.bits(2L * number),
                            encode(tokenizer, example.input(), data.inputs()),
                            encode(tokenizer, example.target(), data.targets()));
                    if (keys.uniform(2L * number + 1) < data.heldOut()) {
                        heldOut.add(row);
                    } else {
                        task.training().add(row);
                        task.numbers().add(number);
                    }
                    number++;
                }
                tasks.add(task);
            }
        }
    }

    /**
     * The mixture's rows in their order. The shortest mixture in which every example of every task occurs is made, unless
     * training will not read that many rows.
     */
    private static List<Row> mixed(TaskData data, List<Read> tasks) {
        List<Mixture.Source> sources = tasks.stream()
                .map(task -> new Mixture.Source(task.task(), task.training().size()))
                .toList();
        double[] rates = data.mixture().rates(sources);
        double whole = 0;
        for (int i = 0; i < rates.length; i++) {
            whole = Math.max(whole, sources.get(i).examples() / rates[i]);
        }
        // Rounding must not leave out an example where all fit.
        long examples = sources.stream().mapToLong(Mixture.Source::examples).sum();
        long total = Math.abs(whole - examples) < 1e-6 * examples
                ? examples
                : Math.max(1, Math.min((long) Math.ceil(whole), data.rows()));
        if (total > MOST_ROWS) {
            throw new UserException(String.format(
                    "The mixture would take %,d rows, and %,d are the most: make its rates less unequal, or the"
                            + " training shorter.",
                    total, MOST_ROWS));
        }
        long[] quotas = data.mixture().quotas(sources, total);
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < quotas.length; i++) {
            draw(data.seed(), tasks.get(i), quotas[i], rows);
        }
        // The key decides; the order of drawing breaks the rare tie, since the sort is stable.
        rows.sort(Comparator.comparingInt(Row::key));
        return rows;
    }

    /** Draws {@code quota} rows: all examples again and again, and of the last round those with the least keys. */
    private static void draw(long seed, Read task, long quota, List<Row> rows) {
        int size = task.training().size();
        for (long drawn = 0; drawn < quota; drawn += size) {
            int round = (int) (drawn / size);
            Philox keys = RandomStream.SHUFFLE.at(seed, round, 0);
            Philox choice = RandomStream.SHUFFLE.at(seed, round, 1);
            List<Integer> places = new ArrayList<>();
            for (int place = 0; place < size; place++) {
                places.add(place);
            }
            if (quota - drawn < size) {
                places.sort(Comparator.comparingInt(
                        place -> choice.bits(task.numbers().get(place))));
                places = places.subList(0, (int) (quota - drawn));
            }
            for (int place : places) {
                Row row = task.training().get(place);
                rows.add(new Row(keys.bits(2L * task.numbers().get(place)), row.inputs(), row.targets()));
            }
        }
    }

    /** The ids of a text with the end, cut to {@code length}. */
    static int[] encode(Tokenizer tokenizer, String text, int length) {
        int[] ids = tokenizer.encode(text);
        int[] row = Arrays.copyOf(ids, Math.min(ids.length, length - 1) + 1);
        row[row.length - 1] = tokenizer.eosId();
        return row;
    }

    private static void write(
            Configuration hadoop, Path box, List<Row> rows, TaskData data, Vocabulary vocabulary, String id)
            throws IOException {
        OutputFolder output = new OutputFolder(hadoop, box);
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("inputs", data.inputs()).put("targets", data.targets());
        settings.put("held-out", data.heldOut()).put("seed", data.seed()).put("rows", rows.size());
        settings.set("mixture", Configs.toTree((Record) data.mixture()));
        String sources =
                String.join(", ", data.tasks().stream().map(TaskSource::path).toList());
        List<Manifest.Input> inputs = List.of(
                new Manifest.Input("examples", sources, id),
                new Manifest.Input("vocabulary", vocabulary.folder().toString(), vocabulary.hash()));
        if (output.finished(Manifest.SHARDS, settings, inputs).isPresent()) {
            return;
        }
        output.begin();
        ShardLayout layout = new ShardLayout(data.inputs(), data.targets(), Packing.NONE);
        ShardWriter writer = ShardWriter.open(output.files(), new Path(output.data(), "00000.arrow"), layout, 0);
        try (writer) {
            for (Row row : rows) {
                writer.add(row.inputs(), row.targets());
            }
        }
        Manifest.Builder manifest = Manifest.builder(Manifest.SHARDS)
                .seed(data.seed())
                .config(settings)
                .count("rows", rows.size())
                .properties(new TreeMap<>(layout.properties()))
                .property(ShardLayout.VOCABULARY, vocabulary.hash())
                .property(ShardLayout.VOCABULARY_SIZE, vocabulary.manifest().property(Vocabulary.SIZE))
                .file(writer.entry(output.folder()));
        inputs.forEach(manifest::input);
        output.commit(manifest.build());
    }
}
