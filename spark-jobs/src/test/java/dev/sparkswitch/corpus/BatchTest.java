package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardSource;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchTest {
    private static final SparkSession SPARK = LocalSpark.session();

    @TempDir
    static Path folder;

    private static BatchResult shards;

    private static TinyCorpus corpus;

    @BeforeAll
    static void makeShards() throws IOException {
        corpus = TinyCorpus.make(SPARK, folder);
        shards = Batch.run(SPARK, batch("shards", 3));
    }

    private static BatchConfig batch(String output, long seed) {
        return corpus.batch(output, """
                corpus: '@/corpus'
                inputs: 64
                shard-size: 16KiB
                seed: %d
                """.formatted(seed));
    }

    @Test
    void theBytesDoNotDependOnPartitions() {
        Map<String, String> expected = TinyCorpus.checksums(shards);
        assertThat(expected).hasSizeGreaterThan(3);
        for (int partitions : new int[] {1, 3, 17}) {
            BatchResult result = corpus.run(batch("shards-" + partitions, 3), partitions);
            assertThat(TinyCorpus.checksums(result))
                    .as(partitions + " partitions")
                    .isEqualTo(expected);
        }
    }

    @Test
    void everyTokenOfTheTextIsInExactlyOneRow() {
        Vocabulary vocabulary = Vocabulary.open(
                SPARK.sparkContext().hadoopConfiguration(),
                folder.resolve("vocabulary").toString());
        Map<Integer, Integer> expected = new TreeMap<>();
        Map<Integer, Integer> found = new TreeMap<>();
        try (Tokenizer tokenizer = vocabulary.tokenizer()) {
            for (Row row : Corpus.open(
                            SPARK.sparkContext().hadoopConfiguration(),
                            folder.resolve("corpus").toString())
                    .documents(SPARK, Split.TRAIN)
                    .collectAsList()) {
                for (int token : tokenizer.encode(row.getAs(Corpus.TEXT))) {
                    expected.merge(token, 1, Integer::sum);
                }
            }
            for (int[] row : rows(shards.train())) {
                for (int token : row) {
                    if (!tokenizer.isSentinel(token) && token != tokenizer.eosId() && token != tokenizer.padId()) {
                        found.merge(token, 1, Integer::sum);
                    }
                }
            }
        }
        assertThat(found).isEqualTo(expected);
        long tokens = expected.values().stream().mapToLong(Integer::longValue).sum();
        assertThat(shards.train().manifest().counts()).containsEntry(Batch.TEXT_TOKENS, tokens);
    }

    @Test
    void everyPassOverTheTextHasMasksOfItsOwn() {
        BatchConfig once = batch("one-pass", 3);
        BatchConfig thrice = corpus.batch("passes", """
                corpus: '@/corpus'
                inputs: 64
                seed: 3
                passes: 3
                heldout-passes: 2
                """);
        BatchResult single = Batch.run(SPARK, once);
        BatchResult several = Batch.run(SPARK, thrice);
        assertDistinctPasses(rows(single.train()), rows(several.train()), 3);
        assertDistinctPasses(rows(single.heldout()), rows(several.heldout()), 2);
    }

    /** Short texts have few ways to be masked, so a few rows may recur. */
    private static void assertDistinctPasses(List<int[]> once, List<int[]> several, int passes) {
        assertThat(several).hasSize(passes * once.size());
        assertThat(several.stream().map(Arrays::toString).distinct().count())
                .isGreaterThan((long) (0.95 * several.size()));
        assertThat(several.stream().map(Arrays::toString).toList())
                .containsAll(once.stream().map(Arrays::toString).toList());
    }

    /** All inputs and targets of a box, padded. */
    private static List<int[]> rows(JobResult box) {
        List<int[]> rows = new ArrayList<>();
        try (ShardSource source = ShardSource.open(SPARK.sparkContext().hadoopConfiguration(), box.folder());
                TokenBatch batch = source.read(0, (int) source.rows())) {
            assertThat(source.rows()).isEqualTo(box.manifest().counts().get("rows"));
            for (int row = 0; row < batch.rows(); row++) {
                int[] both = new int[batch.inputLength() + batch.targetLength()];
                batch.inputs().get(row * batch.inputLength(), both, 0, batch.inputLength());
                batch.targets().get(row * batch.targetLength(), both, batch.inputLength(), batch.targetLength());
                rows.add(both);
            }
        }
        return rows;
    }

    @Test
    void theManifestsTellWhatATrainerNeeds() {
        Manifest train = shards.train().manifest();
        assertThat(ShardLayout.of(train).inputLength()).isEqualTo(64);
        assertThat(ShardLayout.of(train).targetLength()).isEqualTo(14);
        assertThat(train.properties())
                .containsEntry(ShardLayout.VOCABULARY_SIZE, "250")
                .containsEntry("raw-length.corpus", "70");
        assertThat(train.property(ShardLayout.VOCABULARY)).startsWith("sha256:");
        Manifest heldout = shards.heldout().manifest();
        double nats = Double.parseDouble(heldout.property(Batch.UNIGRAM_NATS));
        double entropy = Double.parseDouble(heldout.property(Batch.UNIGRAM_ENTROPY));
        assertThat(nats).isBetween(entropy, entropy + 1);
        assertThat(entropy).isBetween(3.0, Math.log(150));
        assertThat(heldout.counts().get(Batch.TARGET_TEXT_TOKENS))
                .isBetween(
                        heldout.counts().get(Batch.TEXT_TOKENS) / 10,
                        heldout.counts().get(Batch.TEXT_TOKENS) / 5);
    }

    @Test
    void anotherSeedGivesOtherRows() {
        BatchResult other = Batch.run(SPARK, batch("seed-4", 4));
        assertThat(TinyCorpus.checksums(other))
                .doesNotContainValue(TinyCorpus.checksums(shards).get("train/data/00000.arrow"));
    }

    @Test
    void aSampleIsAShareOfTheDocuments() {
        BatchResult sample = corpus.run(corpus.batch("sample", """
                corpus: '@/corpus'
                inputs: 64
                sample: 0.5
                """), 2);
        double share = (double) sample.train().manifest().counts().get(Batch.TEXT_TOKENS)
                / shards.train().manifest().counts().get(Batch.TEXT_TOKENS);
        assertThat(share).isBetween(0.3, 0.7);
    }

    @Test
    void finishedBoxesAreFound() {
        BatchResult again = Batch.run(SPARK, batch("shards", 3));
        assertThat(shards.wasComplete()).isFalse();
        assertThat(again.wasComplete()).isTrue();
        assertThat(again.train().manifest()).isEqualTo(shards.train().manifest());
        assertThat(Vocab.run(SPARK, corpus.vocab("vocabulary")).wasComplete()).isTrue();
    }

    @Test
    void missingInputsNameTheCommandThatMakesThem() {
        BatchConfig config =
                corpus.config(BatchConfig.class, "{corpus: '@/corpus', vocabulary: '@/nowhere', output: '@/x'}");
        assertThatThrownBy(() -> Batch.run(SPARK, config))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("sparkswitch vocab");
        assertThatThrownBy(() -> Vocab.run(SPARK, corpus.config(VocabConfig.class, "{corpus: '@/none', output: y}")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("sparkswitch prepare");
    }

    @Test
    void moreSpansThanSentinelsAreRefused() {
        String yaml =
                "corpus: a\nvocabulary: b\noutput: c\ninputs: 512\nobjective: {mean-span-length: 1, noise-density: 0.5}";
        assertThatThrownBy(() -> corpus.config(BatchConfig.class, yaml))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("only 100 sentinels");
    }

    @Test
    void aDamagedVocabularyIsNamed() throws IOException {
        Vocab.run(SPARK, corpus.vocab("damaged"));
        Path model = folder.resolve("damaged/spiece.model");
        byte[] bytes = Files.readAllBytes(model);
        Files.write(model, Arrays.copyOf(bytes, bytes.length - 1));
        assertThatThrownBy(() -> Vocabulary.open(
                        SPARK.sparkContext().hadoopConfiguration(),
                        folder.resolve("damaged").toString()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("spiece.model is damaged");
    }
}
