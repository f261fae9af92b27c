package dev.sparkswitch.corpus;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardSource;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.base.Configs;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;

/** A corpus of made-up documents, a vocabulary of 150 pieces and a task for tests of {@link Batch}, in one folder. */
record TinyCorpus(SparkSession spark, Path folder) {
    /** Makes them: folders corpus and vocabulary, and boolq/train.jsonl. */
    static TinyCorpus make(SparkSession spark, Path folder) throws IOException {
        TinyCorpus corpus = new TinyCorpus(spark, folder);
        Path input = Files.write(folder.resolve("text.txt"), SampleText.documents(150, 4));
        Prepare.run(spark, corpus.config(PrepareConfig.class, """
                input: {paths: ['%s']}
                output: '@/corpus'
                preset: light
                heldout: 0.2
                """.formatted(input)));
        Vocab.run(spark, corpus.vocab("vocabulary"));
        List<String> rows = new ArrayList<>();
        for (String document : SampleText.documents(60, 9)) {
            String[] words = document.split(" ", 9);
            rows.add("""
                    {"passage": "%s", "question": "%s", "label": %b, "idx": %d}""".formatted(
                            String.join(" ", Arrays.copyOf(words, 4)),
                            String.join(" ", Arrays.copyOfRange(words, 4, 8)),
                            rows.size() % 2 == 0,
                            rows.size()));
        }
        Files.createDirectories(folder.resolve("boolq"));
        Files.write(folder.resolve("boolq/train.jsonl"), rows);
        return corpus;
    }

    /** Binds a configuration in which {@code @} stands for the folder. */
    <R extends Record> R config(Class<R> type, String yaml) {
        String text = yaml.replace("@", folder.toString());
        return Configs.load(type, new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), "test", List.of());
    }

    VocabConfig vocab(String output) {
        return config(VocabConfig.class, "{corpus: '@/corpus', output: '@/" + output + "', size: 150}");
    }

    /** The settings of a batch job to folder {@code output}, with further lines of YAML. */
    BatchConfig batch(String output, String more) {
        return config(BatchConfig.class, """
                vocabulary: '@/vocabulary'
                output: '@/%s'
                buckets: 7
                """.formatted(output) + more);
    }

    BatchResult run(BatchConfig config, int partitions) {
        return new Batch(spark.sparkContext().hadoopConfiguration(), config).run(() -> spark, partitions);
    }

    /** The checksums of all shards of both boxes, by their paths. */
    static Map<String, String> checksums(BatchResult result) {
        Map<String, String> checksums = new TreeMap<>();
        result.train().manifest().files().forEach(file -> checksums.put("train/" + file.path(), file.checksum()));
        result.heldout().manifest().files().forEach(file -> checksums.put("heldout/" + file.path(), file.checksum()));
        return checksums;
    }

    /** All examples of a box in their order, those of packed rows too: inputs, a zero, targets. */
    List<String> examples(JobResult box) {
        List<String> examples = new ArrayList<>();
        try (ShardSource source = ShardSource.open(spark.sparkContext().hadoopConfiguration(), box.folder());
                TokenBatch batch = source.read(0, (int) source.rows())) {
            for (int row = 0; row < batch.rows(); row++) {
                int segments = source.layout().packing() == Packing.NONE ? 1 : segments(batch, row);
                for (int segment = 1; segment <= segments; segment++) {
                    examples.add(segment(batch.inputs(), batch.inputSegments(), row, batch.inputLength(), segment)
                            + " 0 "
                            + segment(batch.targets(), batch.targetSegments(), row, batch.targetLength(), segment));
                }
            }
        }
        return examples;
    }

    private static int segments(TokenBatch batch, int row) {
        int most = 0;
        for (int i = 0; i < batch.inputLength(); i++) {
            most = Math.max(most, batch.inputSegments().get(row * batch.inputLength() + i));
        }
        return most;
    }

    private static String segment(IntBuffer tokens, IntBuffer segments, int row, int length, int segment) {
        int[] found = new int[length];
        int count = 0;
        for (int i = row * length; i < (row + 1) * length; i++) {
            if (segments.get(i) == segment) {
                found[count++] = tokens.get(i);
            }
        }
        return Arrays.toString(Arrays.copyOf(found, count));
    }
}
