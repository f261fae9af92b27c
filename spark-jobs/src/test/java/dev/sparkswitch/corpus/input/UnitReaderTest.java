package dev.sparkswitch.corpus.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.github.luben.zstd.Zstd;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.input.RawDocument.Flaw;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnitReaderTest {
    private static final Configuration HADOOP = new Configuration();

    @TempDir
    Path folder;

    private static InputConfig config(String yaml) {
        return Configs.load(
                InputConfig.class,
                new ByteArrayInputStream(("{paths: [x], " + yaml + "}").getBytes(StandardCharsets.UTF_8)),
                "test",
                List.of());
    }

    private List<Unit> plan(InputConfig config, int wanted, Path... paths) throws IOException {
        List<InputPlan.InputFile> files = new ArrayList<>();
        for (Path path : paths) {
            FileStatus status =
                    FileSystem.getLocal(HADOOP).getFileStatus(new org.apache.hadoop.fs.Path(path.toString()));
            files.add(new InputPlan.InputFile(status, path.getFileName().toString()));
        }
        return InputPlan.of(HADOOP, files, config.format(), wanted, InputPlan.Grain.EXACT);
    }

    private static List<RawDocument> rows(List<Unit> units, InputConfig config) {
        List<RawDocument> rows = new ArrayList<>();
        for (Unit unit : units) {
            try (UnitReader reader = new UnitReader(HADOOP, unit, config)) {
                reader.forEachRemaining(rows::add);
            }
        }
        return rows;
    }

    private List<RawDocument> rows(String name, byte[] content, String yaml) throws IOException {
        Path file = Files.write(folder.resolve(name), content);
        InputConfig config = config(yaml);
        return rows(plan(config, 1, file), config);
    }

    private List<RawDocument> rows(String name, String content, String yaml) throws IOException {
        return rows(name, content.getBytes(StandardCharsets.UTF_8), yaml);
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 40, 1000})
    void whereAFileIsCutDoesNotMatter(int wanted) throws IOException {
        StringBuilder text = new StringBuilder();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            String line = "Zeile " + i + " größer ".repeat(i % 7) + "€";
            expected.add(line);
            text.append(line).append(i % 3 == 0 ? "\r\n" : i % 3 == 1 ? "\n" : "\n\n");
        }
        Path file = Files.writeString(folder.resolve("a.txt"), text.append("no end"));
        expected.add("no end");
        InputConfig config = config("format: text");
        List<Unit> units = plan(config, wanted, file);
        assertThat(units).hasSizeBetween(Math.min(wanted, 60) - 8, Math.max(wanted, 1) + 1);
        assertThat(rows(units, config)).extracting(RawDocument::text).containsExactlyElementsOf(expected);
    }

    @Test
    void aPackedFileIsSharedByTurns() throws IOException {
        String text = String.join("\n", Collections.nCopies(500, "one line of text that packs well"))
                .concat("\nthe last line");
        Path file = Files.write(folder.resolve("a.txt.gz"), gzip(text.getBytes(StandardCharsets.UTF_8)));
        InputConfig config = config("format: text");
        List<Unit> units = plan(config, 4, file);
        assertThat(units).hasSize(4);
        List<RawDocument> rows = rows(units, config);
        assertThat(rows).hasSize(501);
        assertThat(rows).extracting(RawDocument::position).doesNotHaveDuplicates();
    }

    @Test
    void smallFilesAreReadTogether() throws IOException {
        Path[] files = new Path[3000];
        for (int i = 0; i < files.length; i++) {
            files[i] = Files.writeString(folder.resolve(i + ".txt"), "file " + i);
        }
        InputConfig config = config("format: text");
        List<Unit> units = plan(config, 8, files);
        assertThat(units).hasSizeBetween(8, 10);
        assertThat(rows(units, config)).hasSize(3000);
    }

    @Test
    void compressionIsKnownByTheName() throws IOException {
        byte[] text = "first\nsecond".getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream bzip2 = new ByteArrayOutputStream();
        try (OutputStream out = new BZip2CompressorOutputStream(bzip2)) {
            out.write(text);
        }
        assertThat(rows("a.txt.gz", gzip(text), "format: text"))
                .extracting(RawDocument::text)
                .containsExactly("first", "second");
        assertThat(rows("a.txt.bz2", bzip2.toByteArray(), "format: text"))
                .extracting(RawDocument::text)
                .containsExactly("first", "second");
        assertThat(rows("a.txt.zst", Zstd.compress(text), "format: text"))
                .extracting(RawDocument::text)
                .containsExactly("first", "second");
    }

    @Test
    void aLongLineCostsItselfAlone() throws IOException {
        String text = "before\n" + "x".repeat(3_000_000) + "\nafter";
        assertThat(rows("a.txt", text, "format: text, max-row: 1KiB"))
                .extracting(RawDocument::flaw, RawDocument::position)
                .containsExactly(tuple(Flaw.NONE, 0L), tuple(Flaw.TOO_LONG, 7L), tuple(Flaw.NONE, 3_000_008L));
        String csv = "text\nbefore\n\"" + "y\n".repeat(2000) + "\"\nbetween\n" + "x".repeat(5000)
                + "\nend\n\"open\nfor ever";
        assertThat(rows("b.csv", csv, "format: csv, max-row: 1KiB"))
                .extracting(RawDocument::flaw, RawDocument::text)
                .satisfiesExactly(
                        row -> assertThat(row).isEqualTo(tuple(Flaw.NONE, "before")),
                        row -> assertThat(row.toList().get(0)).isEqualTo(Flaw.TOO_LONG),
                        row -> assertThat(row).isEqualTo(tuple(Flaw.NONE, "between")),
                        row -> assertThat(row.toList().get(0)).isEqualTo(Flaw.TOO_LONG),
                        row -> assertThat(row).isEqualTo(tuple(Flaw.NONE, "end")),
                        row -> assertThat(row)
                                .isEqualTo(tuple(Flaw.UNREADABLE, "a quote that is not closed: \"open for ever")));
    }

    @Test
    void bytesThatAreNoUtf8AreToldFromCharactersThatLookSo() throws IOException {
        assertThat(rows("a.txt", "\uFEFFfirst\n\uFEFFsecond", "format: text"))
                .extracting(RawDocument::text)
                .containsExactly("first", "\uFEFFsecond");
        byte[] latin = "caf\u00e9\nplain\nis \u00ef\u00bf\u00bd\n".getBytes(StandardCharsets.ISO_8859_1);
        assertThat(rows("b.txt", latin, "format: text"))
                .extracting(RawDocument::flaw)
                .containsExactly(Flaw.INVALID_UTF8, Flaw.NONE, Flaw.NONE);
        byte[] json = "{\"text\": \"caf\u00e9\"}\n{\"text\": \"plain\"}".getBytes(StandardCharsets.ISO_8859_1);
        assertThat(rows("c.jsonl", json, "format: json"))
                .extracting(RawDocument::flaw)
                .containsExactly(Flaw.INVALID_UTF8, Flaw.NONE);
    }

    @Test
    void whereAPackedFileBreaksOffItsRowsBeforeStay() throws IOException {
        StringBuilder text = new StringBuilder();
        Random random = new Random(5);
        for (int i = 0; i < 20_000; i++) {
            text.append(i).append(' ').append(random.nextLong()).append('\n');
        }
        byte[] whole = gzip(text.toString().getBytes(StandardCharsets.UTF_8));
        Path cut = Files.write(folder.resolve("cut.txt.gz"), Arrays.copyOf(whole, whole.length / 2));
        Path good = Files.writeString(folder.resolve("good.txt"), "one more");
        InputConfig config = config("format: text");
        List<RawDocument> rows = rows(plan(config, 1, cut, good), config);
        assertThat(rows).hasSizeBetween(5000, 15_000);
        assertThat(rows.get(rows.size() - 1).text()).isEqualTo("one more");
        RawDocument damage = rows.get(rows.size() - 2);
        assertThat(damage.flaw()).isEqualTo(Flaw.DAMAGED_FILE);
        assertThat(damage.source()).isEqualTo("cut.txt.gz");
        for (int i = 0; i < rows.size() - 2; i++) {
            assertThat(rows.get(i).text()).startsWith(i + " ").hasSizeGreaterThan(8);
        }
        assertThat(rows("no.txt.gz", "this is no gzip file at all", "format: text"))
                .extracting(RawDocument::flaw)
                .containsExactly(Flaw.DAMAGED_FILE);
    }

    @Test
    void jsonSaysWhatIsWrongWithARow() throws IOException {
        String lines = """
                {"url": "http://a", "text": "first", "more": {"deep": [1, 2]}}
                {"text": null}
                {"body": "x"}
                [1]
                {"text": "cut
                {"text": ["a"]}
                {"text": "two\\nlines \\u00e9"}
                {"text": "a"} {"text": "b"}
                """;
        assertThat(rows("a.jsonl", lines, "format: json, url-column: url"))
                .extracting(RawDocument::flaw, RawDocument::text, RawDocument::url)
                .satisfiesExactly(
                        row -> assertThat(row).isEqualTo(tuple(Flaw.NONE, "first", "http://a")),
                        row -> assertThat(row.toList().get(0)).isEqualTo(Flaw.EMPTY),
                        row -> assertThat(row.toList().get(1)).isEqualTo("no key 'text': {\"body\": \"x\"}"),
                        row -> assertThat(row.toList().get(1)).isEqualTo("no JSON object: [1]"),
                        row -> assertThat(row.toList().get(1).toString()).startsWith("no JSON ("),
                        row -> assertThat(row.toList().get(1).toString()).startsWith("'text' is no text"),
                        row -> assertThat(row).isEqualTo(tuple(Flaw.NONE, "two\nlines é", "")),
                        row -> assertThat(row.toList().get(0)).isEqualTo(Flaw.UNREADABLE));
    }

    @Test
    void csvHoldsLinesQuotesAndSeparators() throws IOException {
        String csv = """
                id,text,url
                1,plain,http://a
                2,"with, a comma and a ""quote\""",http://b
                3,"two
                lines",http://c
                4,too few
                5,  blanks stay  ,
                """;
        assertThat(rows("a.csv", csv, "format: csv, url-column: url"))
                .extracting(RawDocument::flaw, RawDocument::text, RawDocument::url)
                .containsExactly(
                        tuple(Flaw.NONE, "plain", "http://a"),
                        tuple(Flaw.NONE, "with, a comma and a \"quote\"", "http://b"),
                        tuple(Flaw.NONE, "two\nlines", "http://c"),
                        tuple(Flaw.UNREADABLE, "2 columns instead of 3: 4,too few", ""),
                        tuple(Flaw.NONE, "  blanks stay  ", ""));
        assertThat(rows("b.csv", "1;x\n2;y", "format: csv, columns: [id, text], separator: ;"))
                .extracting(RawDocument::text)
                .containsExactly("x", "y");
        assertThatThrownBy(() -> rows("c.csv", csv, "format: csv, text-column: body"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("c.csv has no column 'body', only id, text, url");
    }

    private static byte[] warc(String type, String url, Map<String, String> headers, byte[] body) {
        StringBuilder head = new StringBuilder("WARC/1.0\r\nWARC-Type: " + type + "\r\nWARC-Record-ID: <urn:uuid:"
                + UUID.nameUUIDFromBytes((type + url).getBytes(StandardCharsets.UTF_8))
                + ">\r\nWARC-Date: 2024-05-01T10:00:00Z\r\n");
        if (!url.isEmpty()) {
            head.append("WARC-Target-URI: ").append(url).append("\r\n");
        }
        headers.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        head.append("Content-Length: ").append(body.length).append("\r\n\r\n");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(head.toString().getBytes(StandardCharsets.UTF_8));
        out.writeBytes(body);
        out.writeBytes("\r\n\r\n".getBytes(StandardCharsets.UTF_8));
        return out.toByteArray();
    }

    private static byte[] response(String status, String type, byte[] body) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(
                ("HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\nContent-Length: " + body.length + "\r\n\r\n")
                        .getBytes(StandardCharsets.UTF_8));
        out.writeBytes(body);
        return out.toByteArray();
    }

    @Test
    void textsOfAWetArchiveAreRows() throws IOException {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        Map<String, String> text = Map.of("Content-Type", "text/plain");
        archive.writeBytes(gzip(warc(
                "warcinfo",
                "",
                Map.of("Content-Type", "application/warc-fields"),
                "a: b\r\n".getBytes(StandardCharsets.UTF_8))));
        int second = archive.size();
        archive.writeBytes(gzip(
                warc("conversion", "http://a.org/", text, "Grüße.\nZwei Zeilen.".getBytes(StandardCharsets.UTF_8))));
        archive.writeBytes(
                gzip(warc("conversion", "http://b.org/", text, "x".repeat(5000).getBytes(StandardCharsets.UTF_8))));
        archive.writeBytes(
                gzip(warc("conversion", "http://c.org/", text, "The end.".getBytes(StandardCharsets.UTF_8))));
        assertThat(rows("a.warc.wet.gz", archive.toByteArray(), "format: warc, max-row: 4KiB"))
                .extracting(RawDocument::flaw, RawDocument::url)
                .containsExactly(
                        tuple(Flaw.NONE, "http://a.org/"), tuple(Flaw.TOO_LONG, ""), tuple(Flaw.NONE, "http://c.org/"));
        RawDocument first =
                rows("b.warc.wet.gz", archive.toByteArray(), "format: warc").get(0);
        assertThat(first.text()).isEqualTo("Grüße.\nZwei Zeilen.");
        assertThat(first.position()).isEqualTo(second);
        byte[] cut = Arrays.copyOf(archive.toByteArray(), archive.size() - 30);
        assertThat(rows("c.warc.wet.gz", cut, "format: warc"))
                .extracting(RawDocument::flaw)
                .contains(Flaw.NONE)
                .endsWith(Flaw.DAMAGED_FILE);
    }

    @Test
    void pagesOfAWarcArchiveShowTheirText() throws IOException {
        String html = """
                <html><head><title>No</title><script>var no = 1;</script></head><body><nav>Home | About</nav>
                <h1>Caf\u00e9</h1><p>First   paragraph,<br>broken.</p><div>Second <b>bold</b> one.</div>
                <footer>Imprint</footer></body></html>""";
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        Map<String, String> http = Map.of("Content-Type", "application/http; msgtype=response");
        archive.writeBytes(warc(
                "response",
                "http://a.org/",
                http,
                response("200 OK", "text/html; charset=ISO-8859-1", html.getBytes(StandardCharsets.ISO_8859_1))));
        archive.writeBytes(warc(
                "response",
                "http://a.org/404",
                http,
                response("404 Not Found", "text/html", "<p>gone".getBytes(StandardCharsets.UTF_8))));
        archive.writeBytes(
                warc("response", "http://a.org/x.png", http, response("200 OK", "image/png", new byte[] {1, 2, 3})));
        assertThat(rows("a.warc", archive.toByteArray(), "format: warc"))
                .extracting(RawDocument::text, RawDocument::url)
                .containsExactly(tuple("Café\nFirst paragraph,\nbroken.\nSecond bold one.", "http://a.org/"));
    }

    @Test
    void sourcesAreNamedBelowWhatWasGiven() {
        Sources sources = new Sources(List.of(
                new org.apache.hadoop.fs.Path("file:/lake/web"),
                new org.apache.hadoop.fs.Path("file:/lake/books/*/text.txt"),
                new org.apache.hadoop.fs.Path("file:/lake/one.txt")));
        assertThat(sources.name(new org.apache.hadoop.fs.Path("file:/lake/web/2024/a.txt")))
                .isEqualTo("2024/a.txt");
        assertThat(sources.name(new org.apache.hadoop.fs.Path("file:/lake/books/emma/text.txt")))
                .isEqualTo("emma/text.txt");
        assertThat(sources.name(new org.apache.hadoop.fs.Path("file:/lake/one.txt")))
                .isEqualTo("one.txt");
        assertThat(sources.name(new org.apache.hadoop.fs.Path("file:/lake/website/b.txt")))
                .isEqualTo("b.txt");
    }
}
