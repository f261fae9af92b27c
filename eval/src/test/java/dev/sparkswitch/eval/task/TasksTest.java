package dev.sparkswitch.eval.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.Scores;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TasksTest {
    private static final Bootstrap BOOTSTRAP = new Bootstrap(1, 10, 0.95);

    @TempDir
    Path folder;

    private Path file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    @Test
    void everyMissingFileNamesWhereToGetIt() {
        for (Task task : Tasks.all()) {
            assertThatThrownBy(() -> task.read(folder.resolve("nowhere"), Split.VALIDATION))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("nowhere")
                    .hasMessageContaining(task.origin());
            assertThatThrownBy(() -> task.read(folder, Split.VALIDATION))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining(task.origin());
        }
    }

    @Test
    void anUnknownTaskIsAnsweredWithTheKnownOnes() {
        assertThatThrownBy(() -> Tasks.named("bool"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("boolq, cb, copa");
    }

    @Test
    void aFolderIsReadByItsOfficialFileAndGzipAsWell() throws IOException {
        String row = "{\"question\":\"is it\",\"passage\":\"It is.\",\"label\":true}\n";
        file("val.jsonl", row + row);
        assertThat(Tasks.named("boolq").read(folder, Split.VALIDATION))
                .extracting(Example::id)
                .containsExactly("0", "1");
        Path zipped = folder.resolve("rows.jsonl.gz");
        try (OutputStream stream = new GZIPOutputStream(Files.newOutputStream(zipped))) {
            stream.write(row.getBytes(StandardCharsets.UTF_8));
        }
        assertThat(Tasks.named("boolq").read(zipped, Split.TRAIN)).hasSize(1);
    }

    @Test
    void rowsInAnotherLayoutAreNamedByFileAndLine() throws IOException {
        Path rows = file("rows.jsonl", "{\"question\":\"q\",\"passage\":\"p\",\"label\":true}\n{\"question\":\"q\"}\n");
        assertThatThrownBy(() -> Tasks.named("boolq").read(rows, Split.VALIDATION))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("rows.jsonl, line 2")
                .hasMessageContaining("\"passage\"");
        Path labels = file("cb.jsonl", "{\"premise\":\"p\",\"hypothesis\":\"h\",\"label\":\"perhaps\"}\n");
        assertThatThrownBy(() -> Tasks.named("cb").read(labels, Split.VALIDATION))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("perhaps")
                .hasMessageContaining("entailment, contradiction, neutral");
        Path torn = file("torn.jsonl", "{\"question\":\"q\",");
        assertThatThrownBy(() -> Tasks.named("boolq").read(torn, Split.VALIDATION))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("torn.jsonl, line 1");
        Path empty = file("empty.jsonl", "\n");
        assertThatThrownBy(() -> Tasks.named("boolq").read(empty, Split.VALIDATION))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no rows");
        Path binary = folder.resolve("binary.jsonl");
        Files.write(binary, new byte[] {(byte) 0xFF, (byte) 0xFE, 0});
        assertThatThrownBy(() -> Tasks.named("boolq").read(binary, Split.VALIDATION))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("UTF-8");
    }

    @Test
    void squadWithoutAnswersIsRefused() throws IOException {
        Path rows = file(
                "dev-v2.0.json",
                "{\"data\":[{\"paragraphs\":[{\"context\":\"c\",\"qas\":[{\"id\":\"q7\",\"question\":\"?\",\"answers\":[]}]}]}]}");
        assertThatThrownBy(() -> Tasks.named("squad").read(rows, Split.VALIDATION))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("q7")
                .hasMessageContaining("v1.1");
    }

    @Test
    void rowsWithoutALabelAreReadAndNotScored() throws IOException {
        Path rows = file("test.jsonl", "{\"question\":\"is it\",\"passage\":\"It is.\",\"idx\":4}\n");
        Task task = Tasks.named("boolq");
        List<Example> examples = task.read(rows, Split.TEST);
        assertThat(examples.get(0).target()).isEqualTo("<unk>");
        assertThatThrownBy(() -> task.evaluate(examples, Map.of("4", "True"), Wording.T5, BOOTSTRAP))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no gold answer");
    }

    @Test
    void missingAndInvalidPredictionsAreWrongAndCounted() throws IOException {
        Path rows = file(
                "val.jsonl",
                "{\"question\":\"a\",\"passage\":\"b\",\"label\":true,\"idx\":0}\n".repeat(1)
                        + "{\"question\":\"a\",\"passage\":\"b\",\"label\":false,\"idx\":1}\n"
                        + "{\"question\":\"a\",\"passage\":\"b\",\"label\":false,\"idx\":2}\n"
                        + "{\"question\":\"a\",\"passage\":\"b\",\"label\":true,\"idx\":3}\n");
        Task task = Tasks.named("boolq");
        List<Example> examples = task.read(rows, Split.VALIDATION);
        Task.Evaluation evaluation =
                task.evaluate(examples, Map.of("0", "True", "1", "false", "2", "True"), Wording.T5, BOOTSTRAP);
        Scores scores = evaluation.scores();
        assertThat(scores.score("accuracy").value()).isEqualTo(25);
        assertThat(scores.missing()).isEqualTo(1);
        assertThat(scores.invalid()).isEqualTo(1);
        assertThat(evaluation.examples()).extracting(ScoredExample::right).containsExactly(true, false, false, false);
    }

    @Test
    void predictionsForOtherRowsAndDoubledIdsAreRefused() throws IOException {
        String row = "{\"question\":\"a\",\"passage\":\"b\",\"label\":true,\"idx\":0}\n";
        Task task = Tasks.named("boolq");
        List<Example> examples = task.read(file("val.jsonl", row), Split.VALIDATION);
        assertThatThrownBy(() -> task.evaluate(examples, Map.of("9", "True"), Wording.T5, BOOTSTRAP))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("\"9\"");
        List<Example> doubled = task.read(file("twice.jsonl", row + row), Split.VALIDATION);
        assertThatThrownBy(() -> task.evaluate(doubled, Map.of(), Wording.T5, BOOTSTRAP))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("two examples");
        Path predictions =
                file("p.jsonl", "{\"id\":\"a\",\"prediction\":\"x\"}\n{\"id\":\"a\",\"prediction\":\"y\"}\n");
        assertThatThrownBy(() -> Predictions.read(predictions))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("line 2");
    }

    @Test
    void xsumIsReadFromTheAuthorsFolder() throws IOException {
        Files.createDirectory(folder.resolve("bbc-summary-data"));
        file("XSum-TRAINING-DEV-TEST-SPLIT-90-5-5.json", "{\"train\":[],\"validation\":[],\"test\":[\"123\"]}");
        file(
                "bbc-summary-data/123.summary",
                "[SN]URL[SN]\nhttp://x\n\n[SN]TITLE[SN]\nA title\n\n[SN]FIRST-SENTENCE[SN]\nThe summary.\n\n"
                        + "[SN]RESTBODY[SN]\nShare this with\nEmail\nOne line.\n\nAnother line.\n");
        assertThat(Tasks.named("xsum").read(folder, Split.TEST))
                .containsExactly(Example.text("123", "summarize: One line.\nAnother line.", "The summary."));
    }

    @Test
    void recordTrainsOnEachAnswerAndScoresEachQuery() throws IOException {
        Path rows = file(
                "val.jsonl",
                "{\"idx\":1,\"passage\":{\"text\":\"\uD83D\uDE00 Bob met Al.\\n@highlight\\nBob won\",\"entities\":[{\"start\":10,\"end\":11},{\"start\":2,\"end\":4}]},"
                        + "\"qas\":[{\"idx\":2,\"query\":\"@placeholder won\",\"answers\":[{\"text\":\"Bob\"},{\"text\":\"Al\"},{\"text\":\"Bob\"}]}]}\n");
        Task task = Tasks.named("record");
        assertThat(task.read(rows, Split.TRAIN)).extracting(Example::target).containsExactly("Al", "Bob");
        Example example = task.read(rows, Split.VALIDATION).get(0);
        assertThat(example.id()).isEqualTo("1/2");
        assertThat(example.references()).containsExactly("Al", "Bob");
        assertThat(example.input())
                .isEqualTo(
                        "record query: @placeholder won entities: Al, Bob passage: \uD83D\uDE00 Bob met Al. Bob won");
    }

    @Test
    void superGlueIsTheMeanOfItsEightTasksOrNothing() {
        List<Scores> scores = Tasks.superGlue().stream()
                .map(task -> new Scores(
                        task.name(),
                        "",
                        1,
                        1,
                        0,
                        0,
                        0.95,
                        task.metric().names().stream()
                                .map(name -> new Scores.Score(name, name.equals("f1a") ? 20 : 60, 0, 0, 0))
                                .toList()))
                .toList();
        assertThat(Tasks.superGlueScore(scores)).isEqualTo((7 * 60 + 40) / 8.0);
        assertThatThrownBy(() -> Tasks.superGlueScore(scores.subList(1, 8)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("boolq");
    }
}
