package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.jobs.InProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/** {@code sparkswitch generate} on a tiny model. {@code @} stands for the folder of a {@link TinyPipeline}. */
class GenerateJobTest extends TinyModelJobs {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String GENERATE = "generate --config @/generate.yaml ";

    private static List<JsonNode> lines(Path where) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        try (Stream<Path> files = Files.list(where)) {
            for (Path file : files.sorted().toList()) {
                for (String line : Files.readAllLines(file)) {
                    rows.add(JSON.readTree(line));
                }
            }
        }
        return rows;
    }

    private static List<String> answers(List<JsonNode> rows) {
        return rows.stream().map(row -> row.get("answer").asText()).toList();
    }

    @Test
    void rowsKeepTheirOrderAndFieldsAndGetAnAnswer() throws IOException {
        assertDone(run(GENERATE));

        List<JsonNode> wanted = lines(folder.resolve("rows"));
        List<JsonNode> found = lines(folder.resolve("new/data"));
        List<String> answers = answers(found);
        for (JsonNode row : found) {
            ((ObjectNode) row).remove("answer");
        }
        assertThat(found.stream().map(JsonNode::toString))
                .containsExactlyElementsOf(
                        wanted.stream().map(JsonNode::toString).toList());
        assertThat(folder.resolve("new/data/part-00000.jsonl")).content().contains("\"more\":[1.50,null],\"answer\":");
        assertThat(folder.resolve("new/answers")).doesNotExist();
        try (Stream<Path> files = Files.list(folder.resolve("new/data"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("part-00000.jsonl", "part-00001.jsonl");
        }
        assertThat(run(GENERATE).out()).startsWith("generate was complete already");

        // Neither the partitions nor the batches have a say.
        System.setProperty("spark.master", "local[1]");
        assertDone(run(GENERATE + "--set output=@/new-alone --set rows=1 --set part-rows=100"));
        assertThat(answers(lines(folder.resolve("new-alone/data")))).isEqualTo(answers);
    }

    @Test
    void parquetKeepsItsColumnsAndIsAnsweredAsJsonIs() throws IOException {
        assertDone(run(GENERATE + "--set format=parquet"));
        assertDone(run(GENERATE + "--set input={format:~parquet,~paths:~[@/new/data]} --set answer-column=again"
                + " --set output=@/new-again"));
        assertDone(run(GENERATE + "--set output=@/new-json"));

        List<String> wanted = answers(lines(folder.resolve("new-json/data")));
        try (SparkSession spark = SparkSession.builder().getOrCreate()) {
            assertThat(spark.read().parquet(folder + "/new/data").columns())
                    .containsExactly("context", "id", "more", "question", "answer");
            List<Row> rows = new ArrayList<>();
            for (String part : List.of("part-00000.parquet", "part-00001.parquet")) {
                rows.addAll(spark.read()
                        .parquet(folder + "/new-again/data/" + part)
                        .select("id", "answer", "again")
                        .collectAsList());
            }
            for (int i = 0; i < wanted.size(); i++) {
                assertThat(rows.get(i).getLong(0)).isEqualTo(i);
                assertThat(rows.get(i).getString(1)).isEqualTo(wanted.get(i));
                assertThat(rows.get(i).getString(2)).isEqualTo(wanted.get(i));
            }
        }
    }

    @Test
    void linesOfTextAreSampledByTheirPlaceInTheInput() throws IOException {
        Files.write(folder.resolve("new.txt"), List.of("baconder", "baconder", "baconder", "baconder"));
        String sample = "generate --config @/generate.yaml --set prompt=summarize"
                + " --set input={format:~text,~paths:~[@/new.txt]}"
                + " --set generation={mode:~sample,~temperature:~2.0,~max-length:~16,~seed:~";
        assertDone(run(sample + "1}"));
        assertDone(run(sample + "1} --set rows=3 --set part-rows=1 --set output=@/new-same"));
        assertDone(run(sample + "2} --set output=@/new-other"));

        List<JsonNode> rows = lines(folder.resolve("new/data"));
        assertThat(rows).allSatisfy(row -> assertThat(row.get("text").asText()).isEqualTo("baconder"));
        assertThat(answers(rows)).doesNotHaveDuplicates();
        assertThat(answers(lines(folder.resolve("new-same/data")))).isEqualTo(answers(rows));
        assertThat(answers(lines(folder.resolve("new-other/data")))).doesNotContainAnyElementsOf(answers(rows));
    }

    /** The state in which a run that was killed leaves its folder. */
    @Test
    void whatWasAnsweredBeforeAStopIsNotAnsweredAgain() throws IOException {
        assertDone(run(GENERATE));
        List<String> wanted = answers(lines(folder.resolve("new/data")));
        Path parts = Files.createDirectories(folder.resolve("new-stopped/answers"));
        Files.copy(folder.resolve("new/run.json"), folder.resolve("new-stopped/run.json"));
        Files.createDirectories(folder.resolve("new-stopped/data/_temporary"));
        List<String> before = List.of("a", "b", "c", "d", "e", "f", "g", "h");
        JSON.writeValue(parts.resolve("00000001.json").toFile(), before);
        JSON.writeValue(parts.resolve("00000002.json").toFile(), before.subList(0, 3));
        Files.writeString(parts.resolve(".00000003.json.half"), "[\"a\", ");

        assertDone(run(GENERATE + "--set output=@/new-stopped"));

        List<String> found = answers(lines(folder.resolve("new-stopped/data")));
        assertThat(found.subList(8, 16)).isEqualTo(before);
        assertThat(found.subList(0, 8)).isEqualTo(wanted.subList(0, 8));
        assertThat(found.subList(16, 30)).isEqualTo(wanted.subList(16, 30));
        assertThat(run(GENERATE + "--set output=@/new-stopped --set inputs=80").err())
                .contains("holds a generation with other settings (inputs is 512 there and 80 here)");
    }

    @Test
    void aRowThatCannotBeAnsweredIsNamed() throws IOException {
        List<String> rows = new ArrayList<>(Files.readAllLines(folder.resolve("rows/a.jsonl")));
        rows.set(12, "{\"question\": \"what\", \"id\": 7}");
        Files.write(folder.resolve("new.jsonl"), rows);
        String command = GENERATE + "--set input.paths=[@/new.jsonl] --set output=@/new-rows ";
        assertSays(run(command), "Row 13 of the input has no field 'context', only question, id: correct prompt");
        rows.set(12, "{\"question\": \" \", \"context\": \"it\"}");
        Files.write(folder.resolve("new.jsonl"), rows);
        assertSays(
                run(command + "--set output=@/new-2"),
                "Row 13 of the input has an empty field 'question': fill it, or take the row out.");
        rows.set(12, "{\"question\": \"what\", \"context\": \"" + "it is ".repeat(600) + "\"}");
        Files.write(folder.resolve("new.jsonl"), rows);
        assertSays(
                run(command + "--set output=@/new-3"),
                "Row 13 of the input has ",
                " tokens, but inputs is 512: raise inputs, shorten the row, or set too-long=cut.");
        assertDone(run(command + "--set output=@/new-4 --set too-long=cut"));
        rows.set(12, "no json");
        Files.write(folder.resolve("new.jsonl"), rows);
        assertSays(run(command + "--set output=@/new-5"), "Row 13 of the input is no JSON (", "set input.format");
        assertSays(
                run(command + "--set output=@/new-6 --set answer-column=id"),
                "Row 1 of the input has a field 'id' already: name another answer-column.");
        Files.write(folder.resolve("new.jsonl"), List.of("", " "));
        assertSays(run(command + "--set output=@/new-7"), "@/new.jsonl holds no rows: correct input.paths.");
    }

    private static void assertSays(InProcess outcome, String... says) {
        assertThat(outcome.err()).startsWith("error: ").hasLineCount(1);
        for (String part : says) {
            assertThat(outcome.err()).contains(part.replace("@", folder.toString()));
        }
        assertThat(outcome.code()).isEqualTo(2);
    }
}
