package dev.sparkswitch.eval.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** T5's text formats on real rows of the official files, byte for byte. */
class TaskFormatGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, String> FOLDERS = Map.of(
            "boolq", "BoolQ", "cb", "CB", "copa", "COPA", "multirc", "MultiRC", "record", "ReCoRD", "rte", "RTE", "wic",
            "WiC", "wsc", "WSC");

    /** Skipped with the reason where the data is missing; factories that cannot start leave no trace in the summary. */
    @Test
    void goldenDataIsAtHand() {
        assertThat(Fixtures.data().resolve("metrics")).isDirectory();
    }

    @TestFactory
    List<DynamicTest> everyGoldenRowIsReadFromItsOfficialFile() throws IOException {
        Path data = Fixtures.data();
        List<DynamicTest> tests = new ArrayList<>();
        Map<String, Map<String, Set<String>>> cache = new HashMap<>();
        for (Path file : Fixtures.files(data.resolve("metrics"), "t5_text_to_text_golden*.jsonl")) {
            Map<String, List<JsonNode>> rows = new java.util.TreeMap<>();
            for (String line : Files.readAllLines(file)) {
                JsonNode row = JSON.readTree(line);
                rows.computeIfAbsent(row.get("task").textValue(), task -> new ArrayList<>())
                        .add(row);
            }
            rows.forEach((task, golden) -> tests.add(dynamicTest(
                    file.getFileName() + ": " + task + " (" + golden.size() + " rows)",
                    () -> verify(golden, cache.computeIfAbsent(task, name -> pairs(data, name))))));
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static void verify(List<JsonNode> golden, Map<String, Set<String>> pairs) {
        for (JsonNode row : golden) {
            String id = Predictions.id(row.get("idx"));
            assertThat(pairs.get(id))
                    .as("rows with id %s", id)
                    .isNotNull()
                    .contains(pair(
                            row.get("inputs").textValue(), row.get("targets").textValue()));
        }
    }

    /** Everything that the official files of a task give, by id, read for training and for scoring. */
    private static Map<String, Set<String>> pairs(Path data, String name) {
        Task task = Tasks.named(name);
        Map<String, Set<String>> pairs = new HashMap<>();
        try {
            boolean squad = name.equals("squad");
            Path folder =
                    squad ? data.resolve("squad") : data.resolve("superglue").resolve(FOLDERS.get(name));
            for (Path file : Fixtures.files(folder, squad ? "*.json" : "*.jsonl")) {
                for (Split split : Split.values()) {
                    for (Example example : readIfOfficial(task, file, split)) {
                        pairs.computeIfAbsent(example.group(), id -> new HashSet<>())
                                .add(pair(example.input(), example.target()));
                        pairs.computeIfAbsent(example.id(), id -> new HashSet<>())
                                .add(pair(example.input(), example.target()));
                    }
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return pairs;
    }

    private static List<Example> readIfOfficial(Task task, Path file, Split split) {
        try {
            return task.read(file, split);
        } catch (UserException e) {
            // The folder also holds files in other layouts, and training files without a usable row.
            return List.of();
        }
    }

    private static String pair(String input, String target) {
        return input + " => " + target;
    }

    @TestFactory
    List<DynamicTest> formatsEqualTheReferenceVectors() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(Fixtures.data().resolve("metrics"), "t5_reference_vectors*.json")) {
            int number = 0;
            for (JsonNode vector : JSON.readTree(file.toFile()).path("text_formats")) {
                String name = vector.get("task").textValue();
                tests.add(dynamicTest(
                        file.getFileName() + ": " + name + " " + number++, () -> verifyVector(name, vector)));
            }
        }
        return tests;
    }

    private static void verifyVector(String name, JsonNode vector) {
        JsonNode in = vector.get("in");
        String expected = vector.path("inputs").asText();
        switch (name) {
            case "translate" ->
                assertThat(TextFormat.translate("English", "German", text(in, "en")))
                        .isEqualTo(expected);
            case "summarize" ->
                assertThat(TextFormat.summarize(text(in, "article"))).isEqualTo(expected);
            case "_pad_punctuation" ->
                assertThat(TextFormat.padPunctuation(in.textValue())).isEqualTo(text(vector, "out"));
            case "squad" -> {
                assertThat(TextFormat.squad(text(in, "question"), text(in, "context")))
                        .isEqualTo(expected);
                for (int i = 0; i < in.get("answers").size(); i++) {
                    assertThat(TextFormat.padPunctuation(
                                    in.get("answers").get(i).textValue()))
                            .isEqualTo(vector.get("answers").get(i).textValue());
                }
            }
            case "glue(qqp)" ->
                assertThat(TextFormat.fields(
                                "qqp",
                                List.of(
                                        Map.entry("q1", text(in, "q1")),
                                        Map.entry("q2", text(in, "q2")),
                                        Map.entry("q3", text(in, "q3")))))
                        .isEqualTo(expected);
            case "multirc" ->
                assertThat(TextFormat.multiRc(text(in, "question"), text(in, "answer"), text(in, "paragraph")))
                        .isEqualTo(expected);
            case "wsc_simple" ->
                assertThat(TextFormat.wsc(
                                text(in, "text"),
                                text(in, "span2_text"),
                                in.get("span2_index").intValue()))
                        .isEqualTo(expected);
            case "record" -> {
                List<String> entities = new ArrayList<>();
                in.get("entities").forEach(entity -> entities.add(entity.textValue()));
                assertThat(TextFormat.record(text(in, "query"), entities, text(in, "passage")))
                        .isEqualTo(expected);
            }
            default -> throw new AssertionError("no format called " + name);
        }
    }

    @Test
    void officialParallelFilesAreReadAsDownloaded() {
        Path wmt = Fixtures.data().resolve("wmt");
        Task german = Tasks.named("translate-english-to-german");
        assertThat(german.read(wmt.resolve("multi30k"), Split.TRAIN)).hasSize(29000);
        assertThat(german.read(wmt.resolve("multi30k"), Split.VALIDATION)).hasSize(1014);
        assertThat(german.read(wmt.resolve("multi30k"), Split.TEST)).hasSize(1000);
        Path news = wmt.resolve("wmt22/generaltest2022.en-de.src.en");
        assertThat(german.read(news, Split.TEST).get(0).references()).hasSize(2);
        assertThat(Tasks.named("translate-english-to-romanian").read(wmt.resolve("wmt16_en_ro_sample"), Split.TEST))
                .isNotEmpty();
    }

    private static String text(JsonNode node, String key) {
        return node.get(key).textValue();
    }
}
