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
                .hasMessageContaining("boolq, cb, cnn-dailymail, copa");
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
        assertThat(evaluation.examples().get(3).toJson().toString())
                .isEqualTo(
                        "{\"id\":\"3\",\"group\":\"3\",\"input\":\"boolq passage: b question: a\",\"target\":\"True\","
                                + "\"label\":\"True\",\"references\":[\"True\"],\"prediction\":null,\"valid\":false,"
                                + "\"scores\":{\"accuracy\":0.0}}");
        assertThat(scores.toJson().at("/scores/accuracy/value").doubleValue()).isEqualTo(25);
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
    void everyWrongRowIsCounted() throws IOException {
        Path rows = file(
                "rows.jsonl",
                "{\"question\":\"q\"}\n".repeat(3) + "{\"question\":\"q\",\"passage\":\"p\",\"label\":true}\n");
        assertThatThrownBy(() -> Tasks.named("boolq").read(rows, Split.VALIDATION))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("rows.jsonl, line 1")
                .hasMessageContaining("3 rows of the file are wrong");
    }

    @Test
    void emptyReferencesAreCountedAndRefused() throws IOException {
        Path rows = file(
                "test.jsonl",
                "{\"id\":\"a\",\"document\":\"d\",\"summary\":\"s\"}\n{\"id\":\"b\",\"document\":\"d\",\"summary\":\" \"}\n"
                        + "{\"id\":\"c\",\"document\":\"d\",\"summary\":\"\"}\n");
        assertThatThrownBy(() -> Tasks.named("xsum").read(rows, Split.TEST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("2 of 3 rows have an empty reference")
                .hasMessageContaining("\"b\"");
    }

    @Test
    void missingAndDoubledPredictionsAreCountedAndNamed() throws IOException {
        Path rows = file("rows.jsonl", "{\"question\":\"q\",\"passage\":\"p\",\"label\":true}\n".repeat(5));
        List<Example> examples = Tasks.named("boolq").read(rows, Split.VALIDATION);
        assertThatThrownBy(() -> Predictions.requireAll("p.jsonl", examples, Map.of("0", "True", "3", "True")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("p.jsonl: 3 of 5 examples have no prediction (\"1\", \"2\", \"4\")");
        Path doubled = file("p.jsonl", "{\"id\":7,\"prediction\":\"x\"}\n".repeat(4));
        assertThatThrownBy(() -> Predictions.read(doubled))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("3 ids have a second prediction (\"7\" in line 2, \"7\" in line 3");
        Path lines = file("p.txt", "True\nFalse\n");
        assertThatThrownBy(() -> Predictions.read(lines, "boolq", examples))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("2 lines for 5 examples");
    }

    @Test
    void predictionsOfOtherTasksArePassedOver() throws IOException {
        Path rows = file(
                "predictions.jsonl",
                "{\"task\":\"cb\",\"id\":\"1\",\"prediction\":\"neutral\"}\n"
                        + "{\"task\":\"boolq\",\"id\":\"1\",\"prediction\":\"True\"}\n"
                        + "{\"task\":\"boolq\",\"id\":\"2\",\"prediction\":null}\n");
        assertThat(Predictions.read(rows, "boolq", List.of())).isEqualTo(Map.of("1", "True"));
    }

    @Test
    void translationsAreReadFromPairsOfFiles() throws IOException {
        Task task = Tasks.named("translate-english-to-german");
        file("train.en", "A dog.\nA cat.\n");
        file("train.de", "Ein Hund.\nEine Katze.\n");
        file("generaltest2022.en-de.src.en", "One.\n");
        file("generaltest2022.en-de.ref.B.de", "Eins!\n");
        file("generaltest2022.en-de.ref.A.de", "Eins.\n");
        file("newstest-src.en.sgm", "<doc>\n<seg id=\"1\"> A &amp; B </seg>\n</doc>\n");
        file("newstest-ref.de.sgm", "<doc>\n<seg id=\"1\">A und B</seg>\n</doc>\n");
        file("pair.jsonl", "{\"translation\":{\"en\":\"Two.\",\"de\":\"Zwei.\"}}\n");
        assertThat(task.read(folder, Split.TRAIN))
                .containsExactly(
                        Example.text("0", "translate English to German: A dog.", "Ein Hund."),
                        Example.text("1", "translate English to German: A cat.", "Eine Katze."));
        assertThat(task.read(folder.resolve("generaltest2022.en-de.src.en"), Split.TEST))
                .containsExactly(Example.text("0", "translate English to German: One.", List.of("Eins.", "Eins!")));
        assertThat(task.read(folder.resolve("newstest-src.en.sgm"), Split.TEST))
                .containsExactly(Example.text("0", "translate English to German: A &amp; B", "A und B"));
        assertThat(task.read(folder.resolve("pair.jsonl"), Split.TEST).get(0).target())
                .isEqualTo("Zwei.");
        assertThatThrownBy(() -> task.read(folder, Split.TEST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("2 files could be meant");
        assertThatThrownBy(() -> task.read(folder, Split.VALIDATION)).hasMessageContaining("val.en and val.de");
        file("train.de", "Ein Hund.\n");
        assertThatThrownBy(() -> task.read(folder, Split.TRAIN))
                .hasMessageContaining("train.de: 1 lines, but")
                .hasMessageContaining("has 2");
        assertThatThrownBy(() -> Tasks.named("translate-english-to-elvish")).isInstanceOf(UserException.class);
    }

    @Test
    void storiesAreFoundByTheHashOfTheirAddress() throws IOException {
        // printf http://x/1 | sha1sum
        Files.createDirectories(folder.resolve("url_lists"));
        Files.createDirectories(folder.resolve("cnn/stories"));
        file("url_lists/all_test.txt", "http://x/1\n");
        file(
                "cnn/stories/c24252f3b3ae71b9084cac9cfb6fa9765baf79b8.story",
                "A headline\n\nIt rained.\n\n@highlight\n\nRain fell\n\n@highlight\n\nMore to come.\n");
        assertThat(Tasks.named("cnn-dailymail").read(folder, Split.TEST))
                .containsExactly(Example.text(
                        "c24252f3b3ae71b9084cac9cfb6fa9765baf79b8",
                        "summarize: A headline . It rained.",
                        "Rain fell .\nMore to come."));
        assertThatThrownBy(() -> Tasks.named("cnn-dailymail").read(folder, Split.TRAIN))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("all_train.txt");
    }

    @Test
    void rowsOfAnyFormAreATask() throws IOException {
        Path rows = file(
                "rows.jsonl",
                "{\"id\":\"r1\",\"q\":\"How?\",\"answers\":[\"so\",\"thus\"]}\n{\"q\":\"Why?\",\"answers\":\"because\"}\n"
                        + "{\"q\":\"When?\"}\n");
        FreeText form = new FreeText("faq", "question: {q}", "{answers}", List.of(), List.of("squad", "bleu"));
        List<Example> examples = form.task().read(rows, Split.TRAIN);
        assertThat(examples)
                .containsExactly(
                        Example.text("r1", "question: How?", List.of("so", "thus")),
                        Example.text("1", "question: Why?", "because"),
                        Example.text("2", "question: When?", "<unk>"));
        assertThat(form.task().metric().names()).containsExactly("exact-match", "f1", "bleu");
        FreeText labels = new FreeText("faq", "{q}", "{answers}", List.of("yes", "no"), List.of("accuracy"));
        assertThatThrownBy(() -> labels.task().read(rows, Split.TRAIN))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("\"so\"")
                .hasMessageContaining("yes, no")
                .hasMessageContaining("2 rows of the file are wrong");
        assertThatThrownBy(() -> new FreeText("x", "{q}", "{a}", List.of(), List.of("accuracy")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("give the task its labels");
    }

    @Test
    void submissionsAreWhatTheLeaderboardTakes() throws IOException {
        assertThat(submission("boolq", "{\"question\":\"q\",\"passage\":\"p\",\"idx\":4}\n", Map.of("4", "True")))
                .isEqualTo(new SuperGlueSubmission("BoolQ.jsonl", List.of("{\"idx\":4,\"label\":\"true\"}"), 0));
        assertThat(submission(
                        "copa",
                        "{\"premise\":\"p\",\"choice1\":\"a\",\"choice2\":\"b\",\"question\":\"cause\",\"idx\":0}\n",
                        Map.of("0", "choice1")))
                .isEqualTo(new SuperGlueSubmission("COPA.jsonl", List.of("{\"idx\":0,\"label\":0}"), 0));
        assertThat(submission("rte", "{\"premise\":\"p\",\"hypothesis\":\"h\",\"idx\":3}\n", Map.of("3", "perhaps")))
                .isEqualTo(
                        new SuperGlueSubmission("RTE.jsonl", List.of("{\"idx\":3,\"label\":\"not_entailment\"}"), 1));
        assertThat(submission(
                        "multirc",
                        "{\"idx\":2,\"passage\":{\"text\":\"t\",\"questions\":[{\"idx\":5,\"question\":\"q\",\"answers\":"
                                + "[{\"idx\":8,\"text\":\"a\"},{\"idx\":9,\"text\":\"b\"}]}]}}\n",
                        Map.of("2/5/8", "True", "2/5/9", "False")))
                .isEqualTo(new SuperGlueSubmission(
                        "MultiRC.jsonl",
                        List.of(
                                "{\"idx\":2,\"passage\":{\"questions\":[{\"idx\":5,\"answers\":[{\"idx\":8,\"label\":1},"
                                        + "{\"idx\":9,\"label\":0}]}]}}"),
                        0));
        assertThat(submission(
                        "wsc",
                        "{\"text\":\"Bob saw him .\",\"target\":{\"span1_text\":\"Bob\",\"span1_index\":0,\"span2_text\":\"him\",\"span2_index\":2},\"idx\":1}\n",
                        Map.of("1", "the Bob")))
                .isEqualTo(new SuperGlueSubmission("WSC.jsonl", List.of("{\"idx\":1,\"label\":\"True\"}"), 0));
    }

    private SuperGlueSubmission submission(String name, String row, Map<String, String> predictions)
            throws IOException {
        Task task = Tasks.named(name);
        List<Example> examples = task.read(file(name + ".jsonl", row), Split.TEST);
        return SuperGlueSubmission.of(
                task, task.unscored(examples, predictions, BOOTSTRAP).examples());
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
