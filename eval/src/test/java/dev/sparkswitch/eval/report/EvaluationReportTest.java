package dev.sparkswitch.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.PairedTest;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Tasks;
import dev.sparkswitch.eval.task.Wording;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationReportTest {
    private static final Bootstrap BOOTSTRAP = new Bootstrap(1, 20, 0.95);

    @TempDir
    Path folder;

    private EvaluationReport.TaskResult result(String name, String rows, Map<String, String> predictions)
            throws IOException {
        Path file = Files.writeString(folder.resolve(name + (name.equals("squad") ? ".json" : ".jsonl")), rows);
        Task task = Tasks.named(name);
        List<Example> examples = task.read(file, Split.VALIDATION);
        return new EvaluationReport.TaskResult(
                task, task.evaluate(examples, predictions, Wording.OFFICIAL, BOOTSTRAP), "read from a file");
    }

    private static String page(List<EvaluationReport.TaskResult> tasks, List<EvaluationReport.Comparison> comparisons) {
        return new EvaluationReport("ours", 1, tasks, Optional.empty(), comparisons, List.of())
                .page()
                .html();
    }

    private EvaluationReport.TaskResult boolQ() throws IOException {
        StringBuilder rows = new StringBuilder();
        Map<String, String> predictions = new HashMap<>();
        for (int i = 0; i < 6; i++) {
            rows.append("{\"question\":\"is it\",\"passage\":\"%s\",\"label\":%b,\"idx\":%d}\n"
                    .formatted("word ".repeat(i), i < 4, i));
            predictions.put(Integer.toString(i), i < 3 ? "True" : "<b>");
        }
        predictions.remove("5");
        return result("boolq", rows.toString(), predictions);
    }

    @Test
    void aTranslationInOtherWordsIsNotCalledWrong() throws IOException {
        Files.writeString(folder.resolve("val.en"), "a cat\na dog\none mouse here\na b c\na b c d\na fish\n");
        Files.writeString(
                folder.resolve("val.de"), "eine Katze\nein Hund\neine Maus hier\na b c\na b c d\nein Fisch\n");
        Task task = Tasks.named("translate-english-to-german");
        List<Example> examples = task.read(folder, Split.VALIDATION);
        Map<String, String> predictions = new HashMap<>();
        examples.forEach(example -> predictions.put(example.id(), "ein Hund"));
        EvaluationReport.TaskResult answered = new EvaluationReport.TaskResult(
                task, task.evaluate(examples, predictions, Wording.OFFICIAL, BOOTSTRAP), "read from a file");
        String html = page(List.of(answered), List.of());
        assertThat(html).contains("<li class=\"graded\"").doesNotContain("<li class=\"wrong\"");
        // With the four words of "translate English to German:" three inputs have six, two seven, one eight.
        assertThat(html).contains("\"6\",\"7\",\"8\"");
    }

    @Test
    void answersAreCountedByGoldLabelAndWhatIsNoLabelIsApart() throws IOException {
        String page = page(List.of(boolQ()), List.of());
        // Gold True: three right, one not allowed. Gold False: one not allowed, one missing.
        assertThat(page.replaceAll("<[^>]+>", " ").replaceAll("\\s+", " "))
                .contains("False 0 0 1 1 0%")
                .contains("True 0 3 1 0 75.0%")
                .contains("ours answered 5 of 6 examples")
                .contains("2 answers are not among those that their tasks allow");
        assertThat(page).doesNotContain("Beside published figures");
    }

    @Test
    void publishedFiguresStandInColumnsThatSaySo() throws IOException {
        EvaluationReport.TaskResult squad = result(
                "squad",
                "{\"data\":[{\"paragraphs\":[{\"context\":\"c d\",\"qas\":[{\"id\":\"q\",\"question\":\"What?\",\"answers\":"
                        + "[{\"text\":\"c\"}]}]}]}]}",
                Map.of("q", "c"));
        assertThat(page(List.of(squad), List.of()).replaceAll("<[^>]+>", "|").replaceAll("\\|+\\s*\\|*", "|"))
                .contains("|ours, measured|T5-Base, published|Switch-Base, published|")
                .contains("|SQuAD|100.0|85.5|87.2|88.1|88.6|");
    }

    @Test
    void differencesSayWhetherTheyMayBeChance() throws IOException {
        EvaluationReport.TaskResult task = boolQ();
        String page = page(
                List.of(task),
                List.of(
                        new EvaluationReport.Comparison(
                                "dense",
                                "boolq",
                                List.of(new PairedTest.Comparison("accuracy", 40, 50, 4.2, 15.5, 0.0123))),
                        new EvaluationReport.Comparison(
                                "other",
                                "boolq",
                                List.of(new PairedTest.Comparison("accuracy", 52, 50, -6, 1.5, 0.3)))));
        assertThat(page.replaceAll("<[^>]+>", " ").replaceAll("\\s+", " "))
                .contains("BoolQ accuracy 40.0 50.0 +10.0 +4.2 to +15.5 1.2% better")
                .contains("BoolQ accuracy 52.0 50.0 −2.0 −6.0 to +1.5 30.0% not shown")
                .contains("Against dense on the same rows: better on BoolQ; worse on none");
    }
}
