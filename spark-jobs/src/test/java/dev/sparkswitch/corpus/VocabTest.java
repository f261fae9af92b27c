package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.HuggingFaceTokenizer;
import dev.sparkswitch.tokenizer.SentencePieceModel;
import dev.sparkswitch.tokenizer.SentencePieceModel.ModelType;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VocabTest {
    private static final SparkSession SPARK = LocalSpark.session();

    @TempDir
    static Path folder;

    private static <R extends Record> R config(Class<R> type, String yaml) {
        return Configs.load(type, new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)), "test", List.of());
    }

    @BeforeAll
    static void makeCorpus() throws IOException {
        Path input = Files.write(folder.resolve("text.txt"), SampleText.documents(120, 4));
        Prepare.run(SPARK, config(PrepareConfig.class, """
                input: {paths: ['%s']}
                output: '%s'
                preset: light
                heldout: 0.2
                """.formatted(input, folder.resolve("corpus"))));
    }

    private static VocabConfig vocab(String output, String more) {
        return vocab(output, 450, more);
    }

    private static VocabConfig vocab(String output, int size, String more) {
        return config(
                VocabConfig.class,
                "corpus: '%s'\noutput: '%s'\nsize: %d\n%s\n"
                        .formatted(folder.resolve("corpus"), folder.resolve(output), size, more));
    }

    private static byte[] model(String vocabulary) throws IOException {
        return Files.readAllBytes(folder.resolve(vocabulary).resolve(Vocabulary.FILE));
    }

    @Test
    void theFolderIsOneThatTransformersLoads() throws IOException {
        JobResult result = Vocab.run(SPARK, vocab("bpe", "model: bpe\nbyte-fallback: true"));
        assertThat(result.manifest().files().stream().map(Manifest.Entry::path))
                .containsExactlyInAnyOrder(
                        Vocabulary.FILE, HuggingFaceTokenizer.TOKENIZER, HuggingFaceTokenizer.CONFIG, VocabReport.FILE);
        SentencePieceModel model = SentencePieceModel.parse(model("bpe"));
        assertThat(model.trainer().type()).isEqualTo(ModelType.BPE);
        assertThat(model.trainer().byteFallback()).isTrue();
        assertThat(model.pieces()).hasSize(450);
        assertThat(Vocab.run(SPARK, vocab("bpe", "model: bpe\nbyte-fallback: true"))
                        .wasComplete())
                .isTrue();
        assertThatThrownBy(() -> Vocab.run(SPARK, vocab("bpe", "")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("made with other settings");
    }

    @Test
    void aStoppedRunGoesOnWhereItWas() throws IOException {
        Vocab.run(SPARK, vocab("whole", 120, ""));
        Path work = folder.resolve("stopped/work");
        // Listeners hear of a job late, perhaps when it is over: the jobs that follow are cancelled, too.
        String group = "stopped";
        SPARK.sparkContext().setJobGroup(group, group, false);
        SparkListener stopper = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd end) {
                if (Files.exists(work.resolve("rounds/last.pieces"))) {
                    SPARK.sparkContext().cancelJobGroupAndFutureJobs(group);
                }
            }
        };
        SPARK.sparkContext().addSparkListener(stopper);
        try {
            assertThatThrownBy(() -> Vocab.run(SPARK, vocab("stopped", 120, "")))
                    .hasMessageContaining("cancelled");
        } finally {
            SPARK.sparkContext().removeSparkListener(stopper);
            SPARK.sparkContext().clearJobGroup();
        }
        assertThat(folder.resolve("stopped/manifest.json")).doesNotExist();
        Map<Path, Object> counted = words(work);
        assertThat(counted).isNotEmpty();
        Map<Path, Object> kept = new HashMap<>();
        SparkListener watcher = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd end) {
                if (kept.isEmpty()) {
                    kept.putAll(words(work));
                }
            }
        };
        SPARK.sparkContext().addSparkListener(watcher);
        try {
            Vocab.run(SPARK, vocab("stopped", 120, ""));
        } finally {
            SPARK.sparkContext().removeSparkListener(watcher);
        }
        assertThat(kept).isEqualTo(counted);
        assertThat(model("stopped")).isEqualTo(model("whole"));
        assertThat(work).doesNotExist();
    }

    /** The files of counted words, each with what tells that it is the same file. */
    private static Map<Path, Object> words(Path work) {
        Map<Path, Object> files = new HashMap<>();
        try (Stream<Path> all = Files.list(work.resolve("words"))) {
            for (Path file :
                    all.filter(path -> path.toString().endsWith(".words")).toList()) {
                files.put(
                        file,
                        Files.readAttributes(file, BasicFileAttributes.class).fileKey());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    @Test
    void theReportTellsWhatHeldOutTextCosts() throws IOException {
        JobResult result = Vocab.run(SPARK, vocab("reported", ""));
        double measured = Double.parseDouble(result.manifest().property("tokens-per-character"));
        long tokens = 0;
        long characters = 0;
        try (Tokenizer tokenizer = new Tokenizer(model("reported"))) {
            for (var row : Corpus.open(
                            SPARK.sparkContext().hadoopConfiguration(),
                            folder.resolve("corpus").toString())
                    .documents(SPARK, Split.HELD_OUT)
                    .collectAsList()) {
                String text = row.getAs(Corpus.TEXT);
                tokens += tokenizer.encode(text).length;
                characters += text.length();
            }
        }
        assertThat(measured).isEqualTo((double) tokens / characters);
        assertThat(Files.readString(folder.resolve("reported").resolve(VocabReport.FILE)))
                .contains("Pieces by length", "By the script of a word", "Latin", "\u2581");
    }

    @Test
    void aSampleOfTheDocumentsGivesAnotherVocabularyEachTimeTheSame() throws IOException {
        Vocab.run(SPARK, vocab("sample", "sample: 0.5"));
        Vocab.run(SPARK, vocab("sample-again", "sample: 0.5"));
        Vocab.run(SPARK, vocab("whole", 120, ""));
        assertThat(model("sample")).isEqualTo(model("sample-again")).isNotEqualTo(model("whole"));
    }

    @Test
    void anExistingModelIsTakenAsItIs() throws IOException {
        byte[] existing;
        try (var in = SentencePieceModel.class.getResourceAsStream("bpe.model")) {
            existing = in.readAllBytes();
        }
        Path file = Files.write(folder.resolve("existing.model"), existing);
        JobResult result = Vocab.run(SPARK, vocab("taken", "from: '" + file + "'"));
        assertThat(model("taken")).isEqualTo(existing);
        assertThat(result.manifest().counts()).containsEntry("pieces", 500L);
        Vocabulary opened = Vocabulary.open(
                SPARK.sparkContext().hadoopConfiguration(),
                folder.resolve("taken").toString());
        assertThat(opened.hash()).isEqualTo(Tokenizer.hash(existing));
    }

    @Test
    void theFilesGoBesideAModelWithTheirChecksums() {
        Vocab.run(SPARK, vocab("copied", ""));
        var hadoop = SPARK.sparkContext().hadoopConfiguration();
        OutputFolder output = OutputFolder.flat(
                hadoop, new org.apache.hadoop.fs.Path(folder.resolve("exported").toString()));
        output.begin();
        List<Manifest.Entry> entries =
                Vocabulary.open(hadoop, folder.resolve("copied").toString()).copyFiles(output);
        for (Manifest.Entry entry : entries) {
            assertThat(folder.resolve("exported").resolve(entry.path()))
                    .hasSameBinaryContentAs(folder.resolve("copied").resolve(entry.path()));
        }
        assertThat(entries.stream().map(Manifest.Entry::path))
                .containsExactlyInAnyOrder(
                        Vocabulary.FILE, HuggingFaceTokenizer.TOKENIZER, HuggingFaceTokenizer.CONFIG);
    }

    @Test
    void aFileThatIsNoModelIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("none.model"), "no model");
        assertThatThrownBy(() -> Vocab.run(SPARK, vocab("never", "from: '" + file + "'")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no SentencePiece model");
        assertThatThrownBy(() -> Vocab.run(SPARK, vocab("never", "from: '" + folder.resolve("absent") + "'")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("absent");
        assertThat(folder.resolve("never")).doesNotExist();
    }
}
