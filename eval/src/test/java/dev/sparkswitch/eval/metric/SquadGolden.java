package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;

/** SQuAD's scores of whole systems and of single answers. */
final class SquadGolden {
    private SquadGolden() {}

    static List<DynamicTest> tests(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(data.resolve("metrics"), "squad_golden*.json")) {
            JsonNode golden = Goldens.JSON.readTree(file.toFile());
            golden.path("results")
                    .fields()
                    .forEachRemaining(system -> tests.add(dynamicTest(
                            file.getFileName() + ": " + system.getKey(),
                            () -> verifySquadSystem(data, golden.get("gold").textValue(), system))));
            int number = 0;
            for (JsonNode example : golden.path("multi_answer_examples")) {
                tests.add(dynamicTest(file.getFileName() + ": example " + number++, () -> verifySquadExample(example)));
            }
        }
        return tests;
    }

    private static void verifySquadSystem(Path data, String gold, Map.Entry<String, JsonNode> system) {
        Task task = Tasks.named("squad");
        List<Example> examples = task.read(data.resolve(gold), Split.VALIDATION);
        Path file = data.resolve("squad/predictions_dev_v1.1_" + system.getKey() + ".json");
        Map<String, String> all = Predictions.read(file);
        Map<String, String> predictions = new HashMap<>();
        for (Example example : examples) {
            if (all.containsKey(example.id())) {
                predictions.put(example.id(), all.get(example.id()));
            }
        }
        Scores scores = task.evaluate(examples, predictions, Wording.OFFICIAL, Goldens.BOOTSTRAP)
                .scores();
        JsonNode expected = system.getValue();
        assertThat(scores.score("exact-match").value())
                .isCloseTo(expected.get("em").doubleValue(), Goldens.EXACT);
        assertThat(scores.score("f1").value()).isCloseTo(expected.get("f1").doubleValue(), Goldens.EXACT);
        assertThat(scores.examples()).isEqualTo(expected.get("n").longValue());
        assertThat(scores.missing())
                .isEqualTo(expected.get("missing_predictions_scored_zero").longValue());
    }

    private static void verifySquadExample(JsonNode example) {
        List<String> golds = Goldens.texts(example.get("golds"));
        assertThat(AnswerForm.SQUAD.of(example.get("pred").textValue()))
                .isEqualTo(example.get("norm_pred").textValue());
        assertThat(golds.stream().map(AnswerForm.SQUAD::of)).isEqualTo(Goldens.texts(example.get("norm_golds")));
        Map<String, Double> scores = new SquadMetric()
                .example(Answer.text("x", golds, example.get("pred").textValue()));
        assertThat(scores.get("exact-match")).isCloseTo(example.get("em").doubleValue(), Goldens.EXACT);
        assertThat(scores.get("f1")).isCloseTo(example.get("f1").doubleValue(), Goldens.EXACT);
    }
}
