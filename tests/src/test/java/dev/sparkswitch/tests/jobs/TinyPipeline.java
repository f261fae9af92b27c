package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.corpus.Batch;
import dev.sparkswitch.corpus.BatchConfig;
import dev.sparkswitch.corpus.Prepare;
import dev.sparkswitch.corpus.PrepareConfig;
import dev.sparkswitch.corpus.Vocab;
import dev.sparkswitch.corpus.VocabConfig;
import dev.sparkswitch.jobs.InProcess;
import dev.sparkswitch.jobs.run.Pretrain;
import dev.sparkswitch.jobs.run.PretrainConfig;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/**
 * A pipeline of a few kilobytes in one folder: {@code text.txt}, {@code corpus}, {@code vocabulary}, {@code shards}, {@code
 * model} after two steps, {@code tasks} and {@code rows}; {@code other-vocabulary} and {@code other-shards} do not go with the rest. The
 * configurations of the commands that train or score lie beside them.
 */
final class TinyPipeline {
    static final int EXPERTS = 4;
    private static final String[] SYLLABLES = {
        "ba", "con", "der", "fi", "gor", "hel", "in", "ka", "lo", "men", "nor", "os", "per", "ri", "sta", "tur", "vel"
    };

    private static final String PRETRAIN = """
            shards: '@/shards'
            output: '@/model'
            model:
              vocabulary-size: 300
              model-size: 16
              key-size: 4
              heads: 4
              feed-forward-size: 24
              encoder-layers: 2
              decoder-layers: 2
              sparse:
                experts: 4
                sparse-encoder-layers: 1
                sparse-decoder-layers: 1
                capacity: {group-rows: 2}
            training: {steps: 2, rows: 8, held-out-rows: 8, learning-rate: {warm-up: 2}}
            """;

    private static final String FINETUNE = """
            from: '@/model'
            vocabulary: '@/vocabulary'
            output: '@/new'
            tasks: [{task: boolq, path: '@/tasks'}]
            inputs: 64
            targets: 8
            held-out: 0.3
            training: {steps: 2, rows: 8}
            """;

    private static final String EVALUATE = """
            from: '@/model'
            vocabulary: '@/vocabulary'
            output: '@/new'
            tasks: [{task: boolq, path: '@/tasks'}]
            """;

    private static final String GENERATE = """
            from: '@/model'
            vocabulary: '@/vocabulary'
            input: {paths: ['@/rows']}
            prompt: 'question: {question} context: {context}'
            output: '@/new'
            generation: {max-length: 8}
            rows: 4
            part-rows: 8
            """;

    private final Path folder;

    private TinyPipeline(Path folder) {
        this.folder = folder;
    }

    /** Runs a command line in which {@code @} stands for the folder and {@code ~} for a blank within an argument. */
    static InProcess run(Path folder, String command) {
        String[] arguments = command.strip().split(" ");
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = arguments[i].replace("@", folder.toString()).replace('~', ' ');
        }
        return InProcess.run(arguments);
    }

    /** Makes everything in {@code folder}, with one Spark that is stopped again. */
    static void make(Path folder) throws IOException {
        new TinyPipeline(folder).make();
    }

    private void make() throws IOException {
        Files.write(folder.resolve("text.txt"), documents(80));
        Files.writeString(folder.resolve("pretrain.yaml"), here(PRETRAIN));
        Files.writeString(folder.resolve("finetune.yaml"), here(FINETUNE));
        Files.writeString(folder.resolve("evaluate.yaml"), here(EVALUATE));
        Files.writeString(folder.resolve("generate.yaml"), here(GENERATE));
        makeTasks();
        makeRows();
        SparkConf conf = new SparkConf(false)
                .setMaster("local[1]")
                .setAppName("tiny pipeline")
                .set("spark.ui.enabled", "false")
                .set("spark.sql.shuffle.partitions", "2");
        try (SparkSession spark =
                SparkSession.builder().config(BarrierCluster.configure(conf)).getOrCreate()) {
            Prepare.run(
                    spark,
                    config(
                            PrepareConfig.class,
                            "{input: {paths: ['@/text.txt']}, output: '@/corpus', preset: light, heldout: 0.2}"));
            for (String prefix : List.of("", "other-")) {
                String vocabulary = "'@/" + prefix + "vocabulary'";
                int size = prefix.isEmpty() ? 200 : 150;
                Vocab.run(
                        spark,
                        config(
                                VocabConfig.class,
                                "{corpus: '@/corpus', output: " + vocabulary + ", size: " + size + "}"));
                Batch.run(
                        spark,
                        config(
                                BatchConfig.class,
                                "{corpus: '@/corpus', vocabulary: " + vocabulary + ", output: '@/" + prefix
                                        + "shards', inputs: 64, buckets: 2}"));
            }
            assertThat(Pretrain.run(
                                    () -> spark,
                                    spark.sparkContext().hadoopConfiguration(),
                                    config(PretrainConfig.class, PRETRAIN))
                            .wasComplete())
                    .isFalse();
        }
    }

    private <R extends Record> R config(Class<R> type, String yaml) {
        return Configs.load(
                type, new ByteArrayInputStream(here(yaml).getBytes(StandardCharsets.UTF_8)), "the test", List.of());
    }

    private String here(String text) {
        return text.replace("@", folder.toString());
    }

    private void makeTasks() throws IOException {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            rows.add("{\"question\": \"is it so\", \"passage\": \"it is number %d\", \"idx\": %d, \"label\": %b}"
                    .formatted(i, i, i % 2 == 0));
        }
        Path tasks = Files.createDirectories(folder.resolve("tasks"));
        Files.write(tasks.resolve("train.jsonl"), rows);
        Files.write(tasks.resolve("val.jsonl"), rows.subList(0, 4));
        Files.writeString(
                tasks.resolve("test.jsonl"), "{\"question\": \"is it so\", \"passage\": \"it is\", \"idx\": 0}\n");
        Files.writeString(tasks.resolve("broken.jsonl"), rows.get(0) + "\n{\"question\": \n");
        Files.writeString(
                tasks.resolve("labels.jsonl"),
                rows.get(0) + "\n" + "{\"question\": \"q\", \"passage\": \"p\", \"label\": \"perhaps\"}\n".repeat(2));
        Path predictions = Files.createDirectories(folder.resolve("predictions"));
        List<String> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add("{\"idx\": %d, \"prediction\": \"%s\"}".formatted(i, i == 3 ? "maybe" : "True"));
        }
        Files.write(predictions.resolve("all.jsonl"), all);
        Files.write(predictions.resolve("missing.jsonl"), all.subList(0, 2));
        Files.write(predictions.resolve("doubled.jsonl"), List.of(all.get(0), all.get(0), all.get(1)));
        Files.writeString(
                predictions.resolve("unknown.jsonl"),
                String.join("\n", all) + "\n{\"idx\": 9, \"prediction\": \"True\"}\n");
        Files.writeString(predictions.resolve("list.json"), "[\"True\", \"False\"]");
        Files.writeString(
                predictions.resolve("empty.jsonl"),
                "{\"q\": \"what\", \"a\": \" \"}\n{\"q\": \"who\", \"a\": \"he\"}\n");
    }

    /** Questions in two files, the second one with another order of fields. */
    private void makeRows() throws IOException {
        List<String> texts = documents(30);
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            String context = texts.get(i).substring(0, 20 + 3 * i);
            rows.add(
                    i < 20
                            ? "{\"id\": %d, \"question\": \"what is %d\", \"context\": \"%s\", \"more\": [1.50, null]}"
                                    .formatted(i, i % 3, context)
                            : "{\"context\": \"%s\", \"question\": \"what is %d\", \"id\": %d}"
                                    .formatted(context, i % 3, i));
        }
        Path folderOfRows = Files.createDirectories(folder.resolve("rows"));
        Files.write(folderOfRows.resolve("a.jsonl"), rows.subList(0, 20));
        Files.write(folderOfRows.resolve("b.jsonl"), rows.subList(20, 30));
    }

    private static List<String> documents(int count) {
        Random random = new Random(5);
        List<String> documents = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            StringBuilder text = new StringBuilder();
            for (int word = 0; word < 60; word++) {
                for (int syllable = random.nextInt(3); syllable >= 0; syllable--) {
                    text.append(SYLLABLES[random.nextInt(SYLLABLES.length)]);
                }
                text.append(word % 12 == 11 ? ". " : " ");
            }
            documents.add(text.toString().strip());
        }
        return documents;
    }
}
