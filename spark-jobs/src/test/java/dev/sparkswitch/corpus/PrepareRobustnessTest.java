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
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lies in real lakes, and what happens to a run on the way. */
class PrepareRobustnessTest {
    private static final SparkSession SPARK = LocalSpark.session();

    @TempDir
    Path folder;

    private PrepareConfig config(String yaml) {
        return Configs.load(
                PrepareConfig.class,
                new ByteArrayInputStream(yaml.replace("@", folder.toString()).getBytes(StandardCharsets.UTF_8)),
                "test",
                List.of());
    }

    private JobResult prepare(String yaml) {
        return Prepare.run(SPARK, config(yaml));
    }

    private static List<Row> documents(JobResult result) {
        return Corpus.open(
                        SPARK.sparkContext().hadoopConfiguration(),
                        result.folder().toString())
                .documents(SPARK)
                .collectAsList();
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private void messyInput() throws IOException {
        Path lake = Files.createDirectories(folder.resolve("lake/deep/er"));
        List<String> good = SampleText.documents(50, 4);
        Files.writeString(lake.resolve("good.txt"), String.join("\n", good));
        Files.writeString(lake.resolve("empty.txt"), "");
        byte[] packed = gzip(String.join("\n", SampleText.documents(3000, 5)));
        Files.write(lake.resolve("cut.txt.gz"), Arrays.copyOf(packed, packed.length / 2));
        Files.writeString(
                lake.resolve("long.txt"),
                good.get(0) + " first\n" + "long ".repeat(200_000) + "\n" + good.get(1) + " last");
        Files.write(lake.resolve("latin.txt"), "Ein Caf\u00e9 in K\u00f6ln.".getBytes(StandardCharsets.ISO_8859_1));
        Files.writeString(lake.resolve("nul.txt"), "Text with a \0 in it.\n\0\0\0");
    }

    private static final String MESSY = """
            input: {paths: ['@/lake'], max-row: 100KiB}
            output: '@/corpus'
            preset: none
            partitions: 3
            """;

    @Test
    void whatCannotBeReadIsCountedNamedAndShown() throws IOException {
        messyInput();
        JobResult result = prepare(MESSY);
        Map<String, Long> counts = result.manifest().counts();
        assertThat(counts)
                .containsEntry("files-empty", 1L)
                .containsEntry("files-damaged", 1L)
                .containsEntry("dropped-too-long-row", 1L)
                .containsEntry("dropped-invalid-utf8", 1L)
                .containsEntry("dropped-empty", 1L)
                .containsEntry("documents-with-nul", 2L);
        assertThat(counts.get("documents-kept")).isEqualTo(counts.get("documents-read") - 3);
        assertThat(counts.get("documents-kept")).isBetween(500L, 2000L);
        assertThat(documents(result))
                .extracting(row -> row.getAs(Corpus.TEXT))
                .contains("Text with a  in it.")
                .noneMatch(text -> text.toString().indexOf('\0') >= 0);
        assertThat(documents(result))
                .filteredOn(row -> row.getAs(Corpus.TEXT).toString().endsWith(" last"))
                .singleElement()
                .satisfies(row -> {
                    assertThat((String) row.getAs(Corpus.SOURCE)).isEqualTo("deep/er/long.txt");
                    long position = row.getAs(Corpus.POSITION);
                    String rest = Files.readString(folder.resolve("lake/deep/er/long.txt"))
                            .substring((int) position);
                    assertThat(rest).isEqualTo((String) row.getAs(Corpus.TEXT));
                });
        assertThat(folder.resolve("corpus/report.html"))
                .content()
                .contains("deep/er/cut.txt.gz:")
                .contains("deep/er/latin.txt:0: bytes that are no UTF-8")
                .contains("deep/er/long.txt:")
                .contains("more than 100KiB");
    }

    @Test
    void strictMakesEachOfThemAnError() throws IOException {
        messyInput();
        assertThatThrownBy(() -> prepare(MESSY + "strict: true"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("The input deep/er/")
                .hasMessageContaining("cannot be read")
                .hasMessageContaining("strict=false");
        Files.delete(folder.resolve("lake/deep/er/cut.txt.gz"));
        Files.delete(folder.resolve("lake/deep/er/latin.txt"));
        Files.delete(folder.resolve("lake/deep/er/long.txt"));
        assertThat(prepare(MESSY + "strict: true").manifest().counts()).containsEntry("documents-kept", 51L);
    }

    @Test
    void thousandsOfTinyFilesMakeAFewParts() throws IOException {
        Path lake = Files.createDirectories(folder.resolve("lake"));
        List<String> texts = SampleText.documents(3000, 6);
        for (int i = 0; i < texts.size(); i++) {
            Files.writeString(lake.resolve(i + ".txt"), texts.get(i));
        }
        JobResult result = prepare("{input: {paths: ['@/lake']}, output: '@/corpus', preset: none, partitions: 4}");
        assertThat(result.manifest().counts()).containsEntry("documents-kept", 3000L);
        assertThat(result.manifest().inputs()).hasSize(1);
        assertThat(result.manifest().files().stream().map(Manifest.Entry::path))
                .containsExactly("data/split=heldout/part-00001.parquet", "data/split=train/part-00000.parquet");
        assertThat(prepare("{input: {paths: ['@/lake']}, output: '@/corpus', preset: none, partitions: 4}")
                        .wasComplete())
                .isTrue();
    }

    @Test
    void aLineOfAllPagesIsRemovedWithoutHoldingThem() throws IOException {
        List<String> pages = new ArrayList<>();
        List<String> texts = SampleText.documents(4000, 7);
        for (int i = 0; i < texts.size(); i++) {
            pages.add("{\"url\": \"http://site/" + i + "\", \"text\": \"" + texts.get(i)
                    + "\\nThe same line stands below each page.\"}");
        }
        Files.write(folder.resolve("pages.jsonl"), pages);
        JobResult result = prepare("""
                input: {paths: ['@/pages.jsonl'], format: json, url-column: url}
                output: '@/corpus'
                language: {keep: []}
                partitions: 5
                """);
        assertThat(result.manifest().counts()).containsEntry("lines-duplicate", 3999L);
        assertThat(documents(result))
                .filteredOn(row -> row.getAs(Corpus.TEXT).toString().contains("The same line"))
                .hasSize(1);
    }

    @Test
    void orcTablesAndQueriesAreRead() throws IOException {
        Dataset<Row> texts = SPARK.createDataset(SampleText.documents(30, 8), Encoders.STRING())
                .toDF("content");
        texts.write().orc(folder.resolve("orc").toString());
        texts.write().saveAsTable("lake_of_texts");
        try {
            String rest = ", text-column: content}, preset: none, output: '@/";
            assertThat(prepare("{input: {paths: ['@/orc'], format: orc" + rest + "a'}")
                            .manifest()
                            .counts())
                    .containsEntry("documents-kept", 30L);
            JobResult table = prepare("{input: {table: lake_of_texts" + rest + "b'}");
            assertThat(table.manifest().counts()).containsEntry("documents-kept", 30L);
            assertThat(documents(table))
                    .allMatch(row -> row.getAs(Corpus.SOURCE).equals("lake_of_texts"));
            String query = "{input: {sql: 'SELECT content FROM lake_of_texts ORDER BY content LIMIT 7'";
            assertThat(prepare(query + rest + "c'}").manifest().counts()).containsEntry("documents-kept", 7L);
            assertThat(prepare(query + rest + "c'}").wasComplete()).isTrue();
            assertThatThrownBy(() -> prepare("{input: {sql: 'SELEKT'" + rest + "d'}"))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("Spark refuses input.sql");
            assertThatThrownBy(() -> prepare("{input: {table: nowhere" + rest + "d'}"))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("Spark refuses input.table");
        } finally {
            SPARK.sql("DROP TABLE lake_of_texts");
        }
    }

    @Test
    void droppedDocumentsAreWrittenByReason() throws IOException {
        Files.write(
                folder.resolve("a.txt"),
                List.of(
                        "One document that is long enough to stay.",
                        "Too short.",
                        "One document that is long enough to stay."));
        JobResult result = prepare("""
                input: {paths: ['@/a.txt']}
                output: '@/corpus'
                steps: [length, unique-texts]
                rules: {min-characters: 20}
                dropped: true
                """);
        assertThat(result.manifest().counts())
                .containsEntry("dropped-too-short", 1L)
                .containsEntry("dropped-duplicate-text", 1L);
        List<Row> dropped = SPARK.read()
                .parquet(folder.resolve("corpus/dropped").toString())
                .selectExpr("text", "source", "reason")
                .orderBy("reason")
                .collectAsList();
        assertThat(dropped)
                .extracting(Row::toString)
                .containsExactly(
                        "[One document that is long enough to stay.,a.txt,duplicate-text]",
                        "[Too short.,a.txt,too-short]");
        assertThat(documents(result)).hasSize(1);
    }

    @Test
    void aSampleIsOfTheSizeAskedFor() throws IOException {
        Files.write(folder.resolve("a.txt"), SampleText.documents(5000, 9));
        String yaml = "{input: {paths: ['@/a.txt']}, preset: none, heldout: 0, output: '@/";
        assertThat(prepare(yaml + "few', sample: 300}").manifest().counts()).containsEntry("documents-read", 300L);
        long share = prepare(yaml + "share', sample: 0.1}").manifest().counts().get("documents-read");
        assertThat(share).isBetween(400L, 600L);
        JobResult other = prepare(yaml + "other', sample: 0.1, partitions: 7}");
        assertThat(other.manifest().counts()).containsEntry("documents-read", share);
    }

    /** A run that dies between its passes leaves its parts; the next one makes what is missing and nothing else. */
    @Test
    void aStoppedRunGoesOnPartByPart() throws IOException {
        Files.write(folder.resolve("a.txt"), SampleText.documents(400, 10));
        String yaml = """
                input: {paths: ['@/a.txt']}
                output: '@/corpus'
                preset: light
                partitions: 4
                """;
        Files.createDirectories(folder.resolve("corpus"));
        // What stands in the way of the last step is met when all passes are done.
        Files.createFile(folder.resolve("corpus/.incomplete"));
        PrepareConfig config = config(yaml);
        JobResult whole = Prepare.run(SPARK, config(yaml.replace("corpus'", "whole'")));

        Path blocked = Files.createDirectories(folder.resolve("corpus/report.html/in-the-way"));
        assertThatThrownBy(() -> Prepare.run(SPARK, config)).hasMessageContaining("report.html");
        Map<String, FileTime> before = parts();
        assertThat(before.keySet().stream().filter(name -> name.endsWith(".json")))
                .hasSize(4 + 4 + 1);
        String lost = before.keySet().stream()
                .filter(name -> name.endsWith("pass-1/000002.json"))
                .findFirst()
                .orElseThrow();
        Files.delete(Path.of(lost));
        Files.delete(blocked);
        Files.delete(folder.resolve("corpus/report.html"));
        Files.createDirectories(folder.resolve("corpus/report.html/still"));
        assertThatThrownBy(() -> Prepare.run(SPARK, config)).hasMessageContaining("report.html");
        Map<String, FileTime> after = parts();
        List<String> made = new ArrayList<>();
        after.forEach((name, time) -> {
            if (!time.equals(before.get(name))) {
                made.add(name.replaceFirst(".*/(pass-\\d/\\d+).*(\\.\\w+)$", "$1$2"));
            }
        });
        assertThat(made).containsExactlyInAnyOrder("pass-1/000002.json", "pass-1/000002.documents");
        Files.delete(folder.resolve("corpus/report.html/still"));
        Files.delete(folder.resolve("corpus/report.html"));

        JobResult done = Prepare.run(SPARK, config);
        assertThat(done.manifest().counts()).isEqualTo(whole.manifest().counts());
        assertThat(documents(done)).isEqualTo(documents(whole));
        assertThat(folder.resolve("corpus/.work")).doesNotExist();
    }

    private Map<String, FileTime> parts() throws IOException {
        Map<String, FileTime> parts = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder.resolve("corpus/.work"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                parts.put(file.toString(), Files.getLastModifiedTime(file));
            }
        }
        return parts;
    }

    @Test
    void fineWebsPresetKeepsProse() throws IOException {
        List<String> lines = new ArrayList<>(SampleText.documents(10, 12));
        lines.add("Buy now! Cheap cheap cheap cheap cheap cheap cheap cheap cheap cheap cheap cheap cheap cheap.");
        lines.add(lines.get(0));
        lines.replaceAll(line -> line + " Write to someone@mail.org or to 8.8.8.8.");
        Files.write(folder.resolve("a.txt"), lines);
        JobResult result = prepare("""
                input: {paths: ['@/a.txt']}
                output: '@/corpus'
                preset: fineweb
                language: {probability: 0.1}
                """);
        Map<String, Long> counts = result.manifest().counts();
        assertThat(counts.get("documents-kept")).isBetween(5L, 10L);
        assertThat(counts).containsEntry("masked-mail", counts.get("documents-kept"));
        assertThat(documents(result))
                .allMatch(row -> row.getAs(Corpus.TEXT).toString().contains("email@example.com or to 192.0.2.1."));
        assertThat(counts.get("dropped-repetition-frequent-words")
                        + counts.get("dropped-other-language")
                        + counts.get("dropped-unsure-language"))
                .isGreaterThanOrEqualTo(1);
    }
}
