package dev.sparkswitch.jobs.run;

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
import dev.sparkswitch.corpus.OutputFolder;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.eval.task.Tasks;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The training examples of tasks as shards, in one shuffled order: a keyed hash of each example decides its place and
 * whether it is held out.
 *
 * @param training the box to train on
 * @param heldOut the box to measure the loss on
 */
record TaskShards(Path training, Path heldOut) {
    private record Row(int key, int[] inputs, int[] targets) {}

    /** Makes the shards in {@code folder}, or takes those that are there. */
    static TaskShards make(Configuration hadoop, Path folder, FinetuneConfig config, Vocabulary vocabulary) {
        TaskShards shards = new TaskShards(new Path(folder, "train"), new Path(folder, "heldout"));
        try {
            List<Row> training = new ArrayList<>();
            List<Row> heldOut = new ArrayList<>();
            CRC32C content = new CRC32C();
            read(config, vocabulary, training, heldOut, content);
            if (training.isEmpty() || heldOut.isEmpty()) {
                throw new UserException("The tasks have too few examples to train on and to hold " + config.heldOut()
                        + " of them out: give more examples or raise held-out.");
            }
            String id = "crc32c:" + Long.toHexString(content.getValue());
            write(hadoop, shards.training(), training, config, vocabulary, id);
            write(hadoop, shards.heldOut(), heldOut, config, vocabulary, id);
            return shards;
        } catch (IOException e) {
            throw new ResourceException(
                    "The shards in " + folder + " cannot be written (" + e.getMessage()
                            + "): check the disk's space and your rights.",
                    e);
        }
    }

    private static void read(
            FinetuneConfig config, Vocabulary vocabulary, List<Row> training, List<Row> heldOut, CRC32C content) {
        Philox keys = RandomStream.SHUFFLE.at(config.training().seed(), 0, 0);
        long number = 0;
        try (Tokenizer tokenizer = vocabulary.tokenizer()) {
            for (TaskSource source : config.tasks()) {
                for (Example example :
                        Tasks.named(source.task()).read(java.nio.file.Path.of(source.path()), Split.TRAIN)) {
                    content.update((example.input() + "\n" + example.target() + "\n").getBytes(StandardCharsets.UTF_8));
                    Row row = new Row(
                            keys.bits(2 * number),
                            encode(tokenizer, example.input(), config.inputs()),
                            encode(tokenizer, example.target(), config.targets()));
                    boolean held = keys.uniform(2 * number + 1) < config.heldOut();
                    (held ? heldOut : training).add(row);
                    number++;
                }
            }
        }
        // The key decides; reading order breaks the rare tie, since the sort is stable.
        training.sort(Comparator.comparingInt(Row::key));
        heldOut.sort(Comparator.comparingInt(Row::key));
    }

    /** The ids of a text with the end, cut to {@code length}. */
    static int[] encode(Tokenizer tokenizer, String text, int length) {
        int[] ids = tokenizer.encode(text);
        int[] row = Arrays.copyOf(ids, Math.min(ids.length, length - 1) + 1);
        row[row.length - 1] = tokenizer.eosId();
        return row;
    }

    private static void write(
            Configuration hadoop, Path box, List<Row> rows, FinetuneConfig config, Vocabulary vocabulary, String id)
            throws IOException {
        OutputFolder output = new OutputFolder(hadoop, box);
        ObjectNode settings = Configs.toTree(config).retain("inputs", "targets", "held-out");
        settings.put("seed", config.training().seed());
        String sources =
                String.join(", ", config.tasks().stream().map(TaskSource::path).toList());
        List<Manifest.Input> inputs = List.of(
                new Manifest.Input("examples", sources, id),
                new Manifest.Input("vocabulary", vocabulary.folder().toString(), vocabulary.hash()));
        if (output.finished(Manifest.SHARDS, settings, inputs).isPresent()) {
            return;
        }
        output.begin();
        ShardLayout layout = new ShardLayout(config.inputs(), config.targets(), Packing.NONE);
        ShardWriter writer = ShardWriter.open(output.files(), new Path(output.data(), "00000.arrow"), layout, 0);
        try (writer) {
            for (Row row : rows) {
                writer.add(row.inputs(), row.targets());
            }
        }
        Manifest.Builder manifest = Manifest.builder(Manifest.SHARDS)
                .seed(config.training().seed())
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
