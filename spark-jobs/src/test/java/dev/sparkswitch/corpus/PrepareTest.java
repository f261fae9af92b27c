package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrepareTest {
    private static final SparkSession SPARK = LocalSpark.session();
    private static final String FRENCH = "La commission a proposé une nouvelle directive sur la pêche, et le parlement"
            + " européen devra se prononcer avant la fin de l'année sur ce texte important pour nos pêcheurs.";

    @TempDir
    Path folder;

    private static PrepareConfig config(String yaml) {
        return Configs.load(
                PrepareConfig.class,
                new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)),
                "test",
                List.of());
    }

    private PrepareConfig delimited(Path input, String output, int partitions) {
        return config("""
                input: {paths: ['%s'], format: delimited, columns: [title, date, body], text-column: body}
                output: '%s'
                preset: light
                language: {keep: [en], probability: 0.1, prefix: 1000}
                heldout: 0.2
                partitions: %d
                """.formatted(input, folder.resolve(output), partitions));
    }

    /** 40 English documents, two of them twice, a French one, a short one, a line without columns. */
    private Path gzippedLines() throws IOException {
        List<String> lines = new ArrayList<>();
        List<String> documents = SampleText.documents(40, 3);
        for (String document : documents) {
            lines.add("A debate\t2001-01-01\t" + document);
        }
        lines.add("Again\t2002-01-01\t" + documents.get(0));
        lines.add("Again\t2002-01-01\t" + documents.get(1));
        lines.add("Débat\t2002-01-01\t" + FRENCH);
        lines.add("Vote\t2002-01-01\tYes.");
        lines.add("no columns here");
        Path file = folder.resolve("lines.txt.gz");
        Files.write(file, gzip(String.join("\n", lines)));
        return file;
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    @Test
    void everyDropIsCountedByItsReason() throws IOException {
        JobResult result = Prepare.run(SPARK, delimited(gzippedLines(), "corpus", 3));
        assertThat(result.wasComplete()).isFalse();
        assertThat(result.manifest().kind()).isEqualTo(Manifest.CORPUS);
        Map<String, Long> counts = result.manifest().counts();
        assertThat(counts)
                .containsEntry("documents-read", 45L)
                .containsEntry("dropped-unreadable", 1L)
                .containsEntry("dropped-too-short", 1L)
                .containsEntry("dropped-other-language", 1L)
                .containsEntry("dropped-duplicate-text", 2L)
                .containsEntry("documents-kept", 40L);
        assertThat(counts.get("documents-train") + counts.get("documents-heldout"))
                .isEqualTo(40);
        assertThat(counts.get("documents-heldout")).isBetween(2L, 16L);
        assertThat(Corpus.open(
                                SPARK.sparkContext().hadoopConfiguration(),
                                result.folder().toString())
                        .documents(SPARK)
                        .count())
                .isEqualTo(40);
    }

    @Test
    void theCorpusDoesNotDependOnPartitions() throws IOException {
        Path input = gzippedLines();
        List<String> one = rows(Prepare.run(SPARK, delimited(input, "one", 1)));
        assertThat(rows(Prepare.run(SPARK, delimited(input, "three", 3)))).isEqualTo(one);
        assertThat(rows(Prepare.run(SPARK, delimited(input, "many", 17)))).isEqualTo(one);
    }

    private static List<String> rows(JobResult result) {
        List<String> rows = new ArrayList<>();
        for (Manifest.Entry file : result.manifest().files()) {
            SPARK.read()
                    .parquet(result.folder() + "/" + file.path())
                    .toLocalIterator()
                    .forEachRemaining(row -> rows.add(file.path() + " " + row));
        }
        return rows;
    }

    @Test
    void aFinishedCorpusIsFoundAndNeverReplaced() throws IOException {
        Path input = gzippedLines();
        JobResult first = Prepare.run(SPARK, delimited(input, "corpus", 2));
        JobResult second = Prepare.run(SPARK, delimited(input, "corpus", 2));
        assertThat(second.wasComplete()).isTrue();
        assertThat(second.manifest()).isEqualTo(first.manifest());
        assertThatThrownBy(() -> Prepare.run(SPARK, delimited(input, "corpus", 5)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("already holds a 'corpus' made with other settings");
        Files.writeString(
                folder.resolve("other.txt"),
                "a\tb\t" + SampleText.documents(1, 9).get(0));
        assertThatThrownBy(() -> Prepare.run(SPARK, delimited(folder.resolve("other.txt"), "corpus", 2)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("already holds a 'corpus'");
    }

    @Test
    void whatAKilledRunLeftIsMadeAnew() throws IOException {
        Path corpus = Files.createDirectories(folder.resolve("corpus/data"));
        Files.writeString(corpus.resolve("part-00000.parquet"), "half a file");
        Files.createFile(folder.resolve("corpus/.incomplete"));
        JobResult result = Prepare.run(SPARK, delimited(gzippedLines(), "corpus", 2));
        assertThat(result.manifest().counts()).containsEntry("documents-kept", 40L);
        assertThat(folder.resolve("corpus/.incomplete")).doesNotExist();
    }

    @Test
    void aFolderOfSomethingElseIsNotTouched() throws IOException {
        Files.createDirectories(folder.resolve("corpus"));
        Files.writeString(folder.resolve("corpus/thesis.txt"), "mine");
        Path input = gzippedLines();
        assertThatThrownBy(() -> Prepare.run(SPARK, delimited(input, "corpus", 2)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("thesis.txt")
                .hasMessageContaining("name an empty or a new folder");
    }

    @Test
    void c4DropsLinesPagesAndRepeatedLines() throws IOException {
        String keep = "This page has a first sentence here. It has a second one as well. And a third one too.";
        String json = """
                {"text": "%s\\nA menu line without an end\\nThe same footer is on every page.", "url": "http://a.org/1"}
                {"text": "Another page that says something else. It is quite long. It ends now.\\nThe same footer is on every page.", "url": "http://b.org/2"}
                {"text": "function f() { return 1; }.", "url": "http://c.org/3"}
                {"text": "%s and more of it here.", "url": "https://www.a.org/1/"}
                not json
                """.formatted(keep, keep);
        Path input = Files.writeString(folder.resolve("pages.jsonl"), json);
        JobResult result = Prepare.run(SPARK, config("""
                input: {paths: ['%s'], format: json, url-column: url}
                language: {keep: []}
                output: '%s'
                """.formatted(input, folder.resolve("corpus"))));
        assertThat(result.manifest().counts())
                .containsEntry("documents-read", 5L)
                .containsEntry("dropped-unreadable", 1L)
                .containsEntry("dropped-duplicate-url", 1L)
                .containsEntry("dropped-squigglybracket", 1L)
                .containsEntry("lines-duplicate", 1L)
                .containsEntry("documents-kept", 2L);
    }

    @Test
    void parquetIsReadAndAMissingColumnNamed() throws IOException {
        Path input = folder.resolve("lake");
        SPARK.createDataset(SampleText.documents(5, 2), org.apache.spark.sql.Encoders.STRING())
                .toDF("content")
                .write()
                .parquet(input.toString());
        String yaml = """
                input: {paths: ['%s'], format: parquet, text-column: %s}
                output: '%s'
                preset: none
                """;
        assertThat(Prepare.run(SPARK, config(yaml.formatted(input, "content", folder.resolve("corpus"))))
                        .manifest()
                        .counts())
                .containsEntry("documents-kept", 5L);
        assertThatThrownBy(() -> Prepare.run(SPARK, config(yaml.formatted(input, "body", folder.resolve("other")))))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no column 'body'");
    }

    @Test
    void badInputEndsInOneClearMessage() throws IOException {
        assertThatThrownBy(() -> Prepare.run(SPARK, delimited(folder.resolve("nowhere"), "corpus", 2)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("nowhere does not exist");
        Path empty = Files.createFile(folder.resolve("empty.txt"));
        assertThatThrownBy(() -> Prepare.run(SPARK, delimited(empty, "corpus", 2)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("holds no data");
        Path wrong = Files.writeString(folder.resolve("wrong.txt"), "one column\nand another\n");
        assertThatThrownBy(() -> Prepare.run(SPARK, delimited(wrong, "corpus", 2)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("No document is left of 2 (dropped-unreadable 2)");
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> config("input: {paths: [a], format: delimited, columns: [b]}\noutput: c"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("must contain the text-column 'text'");
        assertThatThrownBy(() -> LanguageRule.of(List.of("klingon"), 0.5, 100))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("klingon");
    }
}
