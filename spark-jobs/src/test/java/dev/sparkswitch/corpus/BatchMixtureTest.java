package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Corpora under several objectives and a task, mixed and packed. */
class BatchMixtureTest {
    private static final SparkSession SPARK = LocalSpark.session();
    private static final String MIXED = """
            corpus: '@/corpus'
            sources:
              - {name: continued, corpus: '@/corpus', objective: prefix-lm}
              - {name: spoken, corpus: '@/corpus', objective: plain-lm}
              - {task: boolq, path: '@/boolq'}
            mixture: {rates: explicit, weights: {corpus: 1, continued: 3, spoken: 1, boolq: 5}}
            task-heldout: 0.1
            inputs: 128
            shard-size: 256KiB
            """;

    @TempDir
    static Path folder;

    private static TinyCorpus corpus;
    private static BatchResult packed;

    @BeforeAll
    static void mixAndPack() throws IOException {
        corpus = TinyCorpus.make(SPARK, folder);
        packed = corpus.run(corpus.batch("packed", MIXED + "packing: segments"), 3);
    }

    @Test
    void theBytesDoNotDependOnPartitions() {
        Map<String, String> expected = TinyCorpus.checksums(packed);
        assertThat(expected).hasSizeGreaterThan(3);
        for (int partitions : new int[] {1, 17}) {
            BatchConfig config = corpus.batch("packed-" + partitions, MIXED + "packing: segments");
            assertThat(TinyCorpus.checksums(corpus.run(config, partitions)))
                    .as(partitions + " partitions")
                    .isEqualTo(expected);
        }
    }

    @Test
    void packingChangesRowsButNoExampleAndNoOrder() {
        BatchResult alone = corpus.run(corpus.batch("alone", MIXED), 3);
        List<String> expected = corpus.examples(alone.train());
        assertThat(corpus.examples(packed.train())).isEqualTo(expected);
        assertThat(corpus.examples(packed.heldout())).isEqualTo(corpus.examples(alone.heldout()));
        assertThat(alone.train().manifest().counts()).containsEntry("rows", (long) expected.size());
        assertThat(packed.train().manifest().counts().get("rows")).isLessThan((long) (0.9 * expected.size()));
        assertThat(packed.train().manifest().counts()).containsEntry("examples", (long) expected.size());
    }

    @Test
    void sourcesComeAtTheirRates() {
        Map<String, Long> counts = packed.train().manifest().counts();
        double all = counts.get("examples");
        // Whole passes are exact; the last one takes in each example with the probability that is left.
        assertThat(counts.get("examples.corpus") / all).isCloseTo(0.1, within(0.03));
        assertThat(counts.get("examples.continued") / all).isCloseTo(0.3, within(0.03));
        assertThat(counts.get("examples.spoken") / all).isCloseTo(0.1, within(0.03));
        assertThat(counts.get("examples.boolq") / all).isCloseTo(0.5, within(0.03));
        double passes = Double.parseDouble(packed.train().manifest().property("passes.boolq"));
        assertThat(passes).isGreaterThan(3);
    }

    @Test
    void heldOutExamplesOfATaskAreNotTrainedOn() {
        BatchResult once = corpus.run(corpus.batch("once", """
                        sources: [{task: boolq, path: '@/boolq'}]
                        inputs: 128
                        targets: 8
                        task-heldout: 0.1
                        """), 2);
        List<String> train = corpus.examples(once.train());
        List<String> scored = corpus.examples(once.heldout());
        assertThat(train).doesNotContainAnyElementsOf(scored);
        assertThat(train.size() + scored.size()).isEqualTo(60);
        assertThat(scored.size()).isBetween(1, 20);
    }

    @Test
    void aStoppedRunGoesOnWhereItWas() throws IOException {
        BatchConfig config = corpus.batch("stopped", MIXED + "packing: segments");
        Path train = folder.resolve("stopped/train");
        AtomicBoolean stopped = new AtomicBoolean();
        SparkListener stopper = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd end) {
                if (countFiles(train.resolve("work/shards")) > 0 && stopped.compareAndSet(false, true)) {
                    SPARK.sparkContext().cancelAllJobs();
                }
            }
        };
        SPARK.sparkContext().addSparkListener(stopper);
        try {
            assertThatThrownBy(() -> corpus.run(config, 4)).hasMessageContaining("cancelled");
        } finally {
            SPARK.sparkContext().removeSparkListener(stopper);
        }
        assertThat(train.resolve("manifest.json")).doesNotExist();
        Map<Path, Object> before = written(train);
        assertThat(before).isNotEmpty();

        BatchResult resumed = corpus.run(config, 2);
        assertThat(TinyCorpus.checksums(resumed)).isEqualTo(TinyCorpus.checksums(packed));
        assertThat(written(train)).containsAllEntriesOf(before);
        assertThat(train.resolve("work")).doesNotExist();
    }

    private static long countFiles(Path folder) {
        if (!Files.isDirectory(folder)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".json")).count();
        } catch (IOException e) {
            return 0;
        }
    }

    /** The shards of finished notes, with what changes when a file is written again. */
    private static Map<Path, Object> written(Path train) throws IOException {
        Map<Path, Object> written = new TreeMap<>();
        try (Stream<Path> files = Files.list(train.resolve("data"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String note = file.getFileName().toString().replace(".arrow", ".json");
                if (!Files.exists(train.resolve("work")) || Files.exists(train.resolve("work/shards/" + note))) {
                    written.put(file, Files.readAttributes(file, "unix:ino").get("ino"));
                }
            }
        }
        return written;
    }

    @Test
    void theReportShowsSourcesAndExamples() throws IOException {
        String page = Files.readString(folder.resolve("packed/report.html"));
        assertThat(page)
                .contains("Training rows", "prefix language modelling", "task boolq", "&lt;extra_id_0&gt;")
                .contains(" &lt;extra_id_1&gt;");
        Files.delete(folder.resolve("packed/report.html"));
        assertThat(corpus.run(corpus.batch("packed", MIXED + "packing: segments"), 1)
                        .wasComplete())
                .isTrue();
        assertThat(Files.readString(folder.resolve("packed/report.html"))).isEqualTo(page);
    }

    @Test
    void sourcesMayBeMovedOnceShardsAreMade() throws IOException {
        Files.createDirectories(folder.resolve("moved"));
        Files.copy(folder.resolve("boolq/train.jsonl"), folder.resolve("moved/train.jsonl"));
        BatchConfig config = corpus.batch("packed", MIXED.replace("@/boolq", "@/moved") + "packing: segments");
        assertThat(corpus.run(config, 1).wasComplete()).isTrue();
        Manifest.Input input = packed.train().manifest().inputs().stream()
                .filter(one -> one.name().equals("boolq"))
                .findFirst()
                .orElseThrow();
        assertThat(input.id()).startsWith("crc32c:");
    }

    @Test
    void mistakesAreNamed() {
        assertThatThrownBy(() -> corpus.batch("x", ""))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("corpus or sources");
        assertThatThrownBy(() -> corpus.batch("x", "sources: [{task: boolq}]"))
                .hasMessageContaining("a task needs a path");
        assertThatThrownBy(() -> corpus.batch("x", "sources: [{task: boolq, corpus: c, path: p}]"))
                .hasMessageContaining("a corpus or a task, and not both");
        assertThatThrownBy(() -> corpus.batch("x", "sources: [{task: boolq, path: p}]"))
                .hasMessageContaining("give targets");
        assertThatThrownBy(() -> corpus.batch("x", "corpus: c\ntargets: 9"))
                .hasMessageContaining("targets 9 are too short");
        assertThatThrownBy(() -> corpus.run(corpus.batch("x", """
                                corpus: '@/corpus'
                                inputs: 16
                                sources: [{task: boolq, path: '@/boolq'}]
                                mixture: {rates: explicit, weights: {corpus: 1, boolq: 999999}}
                                passes: 10000
                                """), 2))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("'boolq'")
                .hasMessageContaining("lower its rate");
    }
}
