package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.eval.Fixtures;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Predictions;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Tasks;
import dev.sparkswitch.eval.task.Wording;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;

/** SuperGLUE's scores, WSC's verdicts and ReCoRD's answers. */
final class SuperGlueGolden {
    private SuperGlueGolden() {}

    static List<DynamicTest> tests(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(data.resolve("metrics"), "superglue_golden*.json")) {
            Goldens.JSON
                    .readTree(file.toFile())
                    .path("expected")
                    .fields()
                    .forEachRemaining(entry -> tests.add(dynamicTest(
                            file.getFileName() + ": " + entry.getKey(),
                            () -> verifySuperGlue(data, entry.getKey(), entry.getValue()))));
        }
        return tests;
    }

    private static void verifySuperGlue(Path data, String folder, JsonNode expected) {
        Task task = Tasks.named(folder.toLowerCase(java.util.Locale.ROOT));
        Path predictions = data.resolve("metrics/superglue_predictions/" + folder + ".jsonl");
        Path rows = data.resolve("superglue/" + folder + "/val.jsonl");
        assumeTrue(Files.exists(predictions) && Files.exists(rows), "no rows and predictions of " + folder);
        Scores scores = task.evaluate(
                        task.read(rows, Split.VALIDATION), Predictions.read(predictions), Wording.T5, Goldens.BOOTSTRAP)
                .scores();
        Map<String, String> names =
                Map.of("accuracy", "accuracy", "mean_3class_f1", "macro-f1", "f1", "f1a", "exact_match", "exact-match");
        names.forEach((key, name) -> {
            if (expected.has(key)) {
                assertThat(scores.score(name).value())
                        .as(key)
                        .isCloseTo(expected.get(key).doubleValue(), Goldens.EXACT);
            }
        });
        if (expected.has("n")) {
            assertThat(scores.examples()).isEqualTo(expected.get("n").longValue());
        }
        if (expected.has("n_invalid")) {
            assertThat(scores.invalid()).isEqualTo(expected.get("n_invalid").longValue());
        }
        if (expected.has("superglue_avg")) {
            assertThat(scores.mean()).isCloseTo(expected.get("superglue_avg").doubleValue(), Goldens.EXACT);
        }
    }

    static List<DynamicTest> winogradVerdicts(Path data) throws IOException {
        Path predictions = data.resolve("metrics/superglue_predictions/WSC.jsonl");
        assumeTrue(Files.exists(predictions), "no WSC predictions");
        Map<String, Example> examples = new HashMap<>();
        for (Example example : Tasks.named("wsc").read(data.resolve("superglue/WSC/val.jsonl"), Split.VALIDATION)) {
            examples.put(example.id(), example);
        }
        return List.of(dynamicTest("WSC.jsonl", () -> {
            for (String line : Files.readAllLines(predictions)) {
                JsonNode row = Goldens.JSON.readTree(line);
                Example example = examples.get(row.get("idx").asText());
                verifyVerdict(
                        row.get("prediction").textValue(),
                        example.references().get(0),
                        row.get("class_id").intValue());
            }
        }));
    }

    static void verifyVerdict(String prediction, String candidate, int expected) {
        int verdict =
                switch (WscMetric.verdict(prediction, candidate)) {
                    case SAME -> 1;
                    case OTHER -> 0;
                    case EMPTY -> -1;
                };
        assertThat(verdict).as("%s for %s", prediction, candidate).isEqualTo(expected);
    }

    static List<DynamicTest> recordAnswers(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(data.resolve("metrics/superglue_predictions"), "ReCoRD*.jsonl")) {
            tests.add(dynamicTest(file.getFileName().toString(), () -> {
                Map<String, Example> examples = new LinkedHashMap<>();
                for (String part : List.of("dev32", "train32")) {
                    for (Example example : Tasks.named("record")
                            .read(data.resolve("superglue/ReCoRD/" + part + ".jsonl"), Split.VALIDATION)) {
                        examples.put(example.id(), example);
                    }
                }
                for (String line : Files.readAllLines(file)) {
                    JsonNode row = Goldens.JSON.readTree(line);
                    String id = row.at("/idx/passage").asText() + "/"
                            + row.at("/idx/query").asText();
                    assertThat(examples.get(id).references()).isEqualTo(Goldens.texts(row.get("unique_answers")));
                }
            }));
        }
        return tests;
    }
}
