package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every metric against the values of the reference scorers. */
class MetricGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Offset<Double> EXACT = within(1e-6);
    private static final Bootstrap BOOTSTRAP = new Bootstrap(1, 2, 0.95);

    @TestFactory
    List<DynamicTest> squad() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        Path data = Fixtures.data();
        for (Path file : Fixtures.files(data.resolve("metrics"), "squad_golden*.json")) {
            JsonNode golden = JSON.readTree(file.toFile());
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
        Scores scores = task.evaluate(examples, predictions, Wording.OFFICIAL, BOOTSTRAP)
                .scores();
        JsonNode expected = system.getValue();
        assertThat(scores.score("exact-match").value())
                .isCloseTo(expected.get("em").doubleValue(), EXACT);
        assertThat(scores.score("f1").value()).isCloseTo(expected.get("f1").doubleValue(), EXACT);
        assertThat(scores.examples()).isEqualTo(expected.get("n").longValue());
        assertThat(scores.missing())
                .isEqualTo(expected.get("missing_predictions_scored_zero").longValue());
    }

    private static void verifySquadExample(JsonNode example) {
        List<String> golds = texts(example.get("golds"));
        assertThat(SquadMetric.normalize(example.get("pred").textValue()))
                .isEqualTo(example.get("norm_pred").textValue());
        assertThat(golds.stream().map(SquadMetric::normalize)).isEqualTo(texts(example.get("norm_golds")));
        Map<String, Double> scores = new SquadMetric()
                .example(Answer.text("x", golds, example.get("pred").textValue()));
        assertThat(scores.get("exact-match")).isCloseTo(example.get("em").doubleValue(), EXACT);
        assertThat(scores.get("f1")).isCloseTo(example.get("f1").doubleValue(), EXACT);
    }

    @TestFactory
    List<DynamicTest> superGlue() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        Path data = Fixtures.data();
        for (Path file : Fixtures.files(data.resolve("metrics"), "superglue_golden*.json")) {
            JSON.readTree(file.toFile())
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
                        task.read(rows, Split.VALIDATION), Predictions.read(predictions), Wording.T5, BOOTSTRAP)
                .scores();
        Map<String, String> names =
                Map.of("accuracy", "accuracy", "mean_3class_f1", "macro-f1", "f1", "f1a", "exact_match", "exact-match");
        names.forEach((key, name) -> {
            if (expected.has(key)) {
                assertThat(scores.score(name).value())
                        .as(key)
                        .isCloseTo(expected.get(key).doubleValue(), EXACT);
            }
        });
        if (expected.has("n")) {
            assertThat(scores.examples()).isEqualTo(expected.get("n").longValue());
        }
        if (expected.has("n_invalid")) {
            assertThat(scores.invalid()).isEqualTo(expected.get("n_invalid").longValue());
        }
        if (expected.has("superglue_avg")) {
            assertThat(scores.mean()).isCloseTo(expected.get("superglue_avg").doubleValue(), EXACT);
        }
    }

    @TestFactory
    List<DynamicTest> winogradVerdicts() throws IOException {
        Path data = Fixtures.data();
        Path predictions = data.resolve("metrics/superglue_predictions/WSC.jsonl");
        assumeTrue(Files.exists(predictions), "no WSC predictions");
        Map<String, Example> examples = new HashMap<>();
        for (Example example : Tasks.named("wsc").read(data.resolve("superglue/WSC/val.jsonl"), Split.VALIDATION)) {
            examples.put(example.id(), example);
        }
        return List.of(dynamicTest("WSC.jsonl", () -> {
            for (String line : Files.readAllLines(predictions)) {
                JsonNode row = JSON.readTree(line);
                Example example = examples.get(row.get("idx").asText());
                verifyVerdict(
                        row.get("prediction").textValue(),
                        example.references().get(0),
                        row.get("class_id").intValue());
            }
        }));
    }

    private static void verifyVerdict(String prediction, String candidate, int expected) {
        int verdict =
                switch (WscMetric.verdict(prediction, candidate)) {
                    case SAME -> 1;
                    case OTHER -> 0;
                    case EMPTY -> -1;
                };
        assertThat(verdict).as("%s for %s", prediction, candidate).isEqualTo(expected);
    }

    @TestFactory
    List<DynamicTest> recordAnswers() throws IOException {
        Path data = Fixtures.data();
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
                    JsonNode row = JSON.readTree(line);
                    String id = row.at("/idx/passage").asText() + "/"
                            + row.at("/idx/query").asText();
                    assertThat(examples.get(id).references()).isEqualTo(texts(row.get("unique_answers")));
                }
            }));
        }
        return tests;
    }

    @TestFactory
    List<DynamicTest> stems() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(Fixtures.data().resolve("metrics"), "porter_stemmer_nltk_golden*.json")) {
            JsonNode golden = JSON.readTree(file.toFile());
            tests.add(dynamicTest(file.getFileName().toString(), () -> {
                for (String section : List.of("stems", "sample")) {
                    golden.path(section).fields().forEachRemaining(entry -> assertThat(
                                    PorterStemmer.stem(entry.getKey()))
                            .as(entry.getKey())
                            .isEqualTo(entry.getValue().textValue()));
                }
                for (JsonNode word : golden.path("corpus_words_where_modes_differ")) {
                    assertThat(PorterStemmer.stem(word.get("word").textValue()))
                            .as(word.get("word").textValue())
                            .isEqualTo(word.get("nltk_extensions").textValue());
                }
            }));
        }
        return tests;
    }

    @TestFactory
    List<DynamicTest> rougeVectors() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        Path metrics = Fixtures.data().resolve("metrics");
        for (Path file : Fixtures.files(metrics, "rouge_official_vectors*.json")) {
            JsonNode golden = JSON.readTree(file.toFile());
            int number = 0;
            for (JsonNode vector : golden.path("vectors")) {
                tests.add(dynamicTest(
                        file.getFileName() + ": " + vector.get("metric").textValue() + " " + number++, () -> {
                            Rouge.Score score = Rouge.score(
                                    type(vector.get("metric").textValue()),
                                    vector.get("stemmer").booleanValue() ? Rouge.Stemming.PORTER : Rouge.Stemming.NONE,
                                    vector.get("target").textValue(),
                                    vector.get("prediction").textValue());
                            Offset<Double> tolerance =
                                    within(vector.get("tolerance").doubleValue());
                            assertThat(score.precision())
                                    .isCloseTo(vector.get("precision").doubleValue(), tolerance);
                            assertThat(score.recall())
                                    .isCloseTo(vector.get("recall").doubleValue(), tolerance);
                            assertThat(score.fMeasure())
                                    .isCloseTo(vector.get("fmeasure").doubleValue(), tolerance);
                        }));
            }
            JsonNode bootstrap = golden.path("bootstrap");
            if (bootstrap.has("files")) {
                tests.add(dynamicTest(file.getFileName() + ": large", () -> {
                    List<String> targets = Files.readAllLines(
                            metrics.resolve(bootstrap.at("/files/0").textValue()));
                    List<String> predictions = Files.readAllLines(
                            metrics.resolve(bootstrap.at("/files/1").textValue()));
                    RougeMetric metric = RougeMetric.t5();
                    Scores scores = Scores.of("large", metric, pairs(targets, predictions), Bootstrap.standard(1));
                    bootstrap.get("deterministic_mean_no_stemmer").fields().forEachRemaining(entry -> assertThat(
                                    scores.score(entry.getKey()).value())
                            .isCloseTo(entry.getValue().doubleValue(), EXACT));
                    // The reference's own resampled mean is a random number; it lies inside our interval.
                    bootstrap.get("t5_expected_bootstrap_results").fields().forEachRemaining(entry -> {
                        Scores.Score score = scores.score(entry.getKey());
                        assertThat(entry.getValue().doubleValue()).isBetween(score.low(), score.high());
                    });
                }));
            }
        }
        return tests;
    }

    @TestFactory
    List<DynamicTest> rougeOfXsumSystems() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        Path data = Fixtures.data();
        for (Path file : Fixtures.files(data.resolve("metrics"), "xsum_rouge_golden*.json")) {
            JSON.readTree(file.toFile()).path("systems").fields().forEachRemaining(system -> system.getValue()
                    .fields()
                    .forEachRemaining(part -> tests.add(dynamicTest(
                            file.getFileName() + ": " + system.getKey() + " " + part.getKey(),
                            () -> verifyXsum(data, system.getKey(), part.getKey(), part.getValue())))));
        }
        return tests;
    }

    private static void verifyXsum(Path data, String system, String part, JsonNode expected) throws IOException {
        int lines = Integer.parseInt(part.replaceAll("\\D", ""));
        List<String> targets = Files.readAllLines(data.resolve("xsum/gold-test-sentences.txt"));
        List<String> predictions = Files.readAllLines(data.resolve("xsum/" + system + "-test-output.txt"));
        List<Answer> answers = pairs(targets, predictions).subList(0, lines);
        expected.fields()
                .forEachRemaining(stemmer -> stemmer.getValue().fields().forEachRemaining(preparation -> {
                    RougeMetric metric = new RougeMetric(
                            EnumSet.allOf(Rouge.Type.class),
                            stemmer.getKey().equals("stemmer_on") ? Rouge.Stemming.PORTER : Rouge.Stemming.NONE,
                            preparation.getKey().startsWith("t5")
                                    ? RougeMetric.Preparation.LINES_AT_PERIODS
                                    : RougeMetric.Preparation.NONE);
                    double[] sums = sums(metric, answers);
                    for (int i = 0; i < metric.names().size(); i++) {
                        JsonNode value =
                                preparation.getValue().get(metric.names().get(i));
                        Rouge.Score mean = metric.mean(sums, i);
                        assertThat(100 * mean.precision())
                                .isCloseTo(value.get("precision").doubleValue(), EXACT);
                        assertThat(100 * mean.recall())
                                .isCloseTo(value.get("recall").doubleValue(), EXACT);
                        assertThat(100 * mean.fMeasure())
                                .isCloseTo(value.get("fmeasure").doubleValue(), EXACT);
                    }
                }));
    }

    @TestFactory
    List<DynamicTest> bleu() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        Path data = Fixtures.data();
        for (Path file : Fixtures.files(data.resolve("metrics"), "sacrebleu_golden*.json")) {
            JsonNode golden = JSON.readTree(file.toFile());
            String name = file.getFileName() + ": ";
            for (JsonNode row : golden.path("corpus")) {
                tests.add(dynamicTest(
                        name + row.get("pair").textValue() + " "
                                + row.get("system").textValue() + " "
                                + row.get("refs").textValue() + " "
                                + row.get("signature").textValue(),
                        () -> verifyCorpusBleu(data.resolve("wmt/wmt22"), row)));
            }
            for (JsonNode row : golden.path("sentence_effective_order")) {
                tests.add(dynamicTest(name + "sentence \"" + row.get("hyp").textValue() + "\"", () -> {
                    BleuMetric metric = BleuMetric.standard();
                    double[] sums = sums(
                            metric,
                            List.of(Answer.text(
                                    "x",
                                    List.of(row.get("ref").textValue()),
                                    row.get("hyp").textValue())));
                    verifyBleu(metric.bleu(sums, BleuMetric.Order.EFFECTIVE), row);
                }));
            }
            for (JsonNode row : golden.path("tokenizations")) {
                tests.add(dynamicTest(
                        name + row.get("tokenizer").textValue() + " \""
                                + row.get("input").textValue() + "\"",
                        () -> assertThat(tokenizer(row.get("tokenizer").textValue())
                                        .tokenize(row.get("input").textValue()))
                                .isEqualTo(row.get("output").textValue())));
            }
            for (JsonNode row : golden.path("smoothing")) {
                tests.add(dynamicTest(name + "smoothing " + row.get("smooth").textValue(), () -> {
                    BleuMetric metric = new BleuMetric(
                            BleuTokenizer.MTEVAL_13A,
                            smoothing(row.get("smooth").textValue()),
                            BleuMetric.Case.MIXED,
                            1);
                    verifyBleu(
                            metric.bleu(
                                    sums(metric, pairs(texts(row.get("ref")), texts(row.get("hyp")))),
                                    BleuMetric.Order.FULL),
                            row);
                    verifySignature(metric, row);
                }));
            }
            for (JsonNode row : golden.path("t5_unit")) {
                tests.add(dynamicTest(name + "t5", () -> {
                    BleuMetric metric = t5Bleu();
                    assertThat(metric.scores(sums(
                                    metric, pairs(texts(row.get("targets")), texts(row.get("predictions")))))[0])
                            .isCloseTo(row.get("t5_bleu").doubleValue(), EXACT);
                }));
            }
            for (JsonNode row : golden.path("chrf")) {
                tests.add(dynamicTest(name + "chrF " + row.get("system").textValue(), () -> {
                    ChrfMetric metric = new ChrfMetric();
                    double[] sums = sums(metric, wmt(data.resolve("wmt/wmt22"), row, "ref"));
                    assertThat(metric.scores(sums)[0])
                            .isCloseTo(row.get("score").doubleValue(), EXACT);
                }));
            }
        }
        return tests;
    }

    private static void verifyCorpusBleu(Path folder, JsonNode row) throws IOException {
        BleuMetric metric = new BleuMetric(
                tokenizer(row.get("tokenize").textValue()),
                smoothing(row.get("smooth").textValue()),
                row.get("lowercase").booleanValue() ? BleuMetric.Case.LOWER : BleuMetric.Case.MIXED,
                row.get("refs").textValue().length());
        double[] sums = sums(metric, wmt(folder, row, "refs"));
        verifyBleu(metric.bleu(sums, BleuMetric.Order.FULL), row);
        for (int n = 0; n < 4; n++) {
            assertThat(sums[2 + n]).isEqualTo(row.get("counts").get(n).doubleValue());
            assertThat(sums[6 + n]).isEqualTo(row.get("totals").get(n).doubleValue());
        }
        verifySignature(metric, row);
    }

    private static List<Answer> wmt(Path folder, JsonNode row, String key) throws IOException {
        String prefix = "generaltest2022." + row.get("pair").textValue();
        String language = row.get("pair").textValue().substring(3);
        List<String> predictions = Files.readAllLines(
                folder.resolve(prefix + ".hyp." + row.get("system").textValue() + "." + language));
        List<List<String>> references = new ArrayList<>();
        for (char name : row.get(key).textValue().toCharArray()) {
            references.add(Files.readAllLines(folder.resolve(prefix + ".ref." + name + "." + language)));
        }
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < predictions.size(); i++) {
            List<String> wanted = new ArrayList<>();
            for (List<String> stream : references) {
                wanted.add(stream.get(i));
            }
            answers.add(Answer.text(Integer.toString(i), wanted, predictions.get(i)));
        }
        return answers;
    }

    private static void verifyBleu(BleuMetric.Bleu bleu, JsonNode row) {
        assertThat(bleu.score()).isCloseTo(row.get("score").doubleValue(), EXACT);
        assertThat(bleu.brevityPenalty()).isCloseTo(row.get("bp").doubleValue(), EXACT);
        for (int n = 0; n < 4; n++) {
            assertThat(bleu.precisions().get(n))
                    .isCloseTo(row.get("precisions").get(n).doubleValue(), EXACT);
        }
        if (row.has("sys_len")) {
            assertThat(bleu.systemLength()).isEqualTo(row.get("sys_len").longValue());
            assertThat(bleu.referenceLength()).isEqualTo(row.get("ref_len").longValue());
        }
    }

    private static void verifySignature(Metric metric, JsonNode row) {
        String expected = row.get("signature").textValue();
        String upToVersion = expected.substring(0, expected.indexOf("version:"));
        assertThat(metric.signature()).startsWith(upToVersion);
    }

    private static BleuMetric t5Bleu() {
        return new BleuMetric(BleuTokenizer.INTERNATIONAL, BleuMetric.Smoothing.EXPONENTIAL, BleuMetric.Case.MIXED, 1);
    }

    private static BleuTokenizer tokenizer(String label) {
        for (BleuTokenizer tokenizer : BleuTokenizer.values()) {
            if (tokenizer.label().equals(label)) {
                return tokenizer;
            }
        }
        return assumeFailed("no tokenizer " + label);
    }

    private static BleuMetric.Smoothing smoothing(String name) {
        return switch (name) {
            case "exp" -> BleuMetric.Smoothing.EXPONENTIAL;
            case "floor" -> BleuMetric.Smoothing.FLOOR;
            case "add-k" -> BleuMetric.Smoothing.ADD_ONE;
            case "none" -> BleuMetric.Smoothing.NONE;
            default -> assumeFailed("no smoothing " + name);
        };
    }

    private static <T> T assumeFailed(String message) {
        assumeTrue(false, message);
        return null;
    }

    @TestFactory
    List<DynamicTest> referenceVectors() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(Fixtures.data().resolve("metrics"), "t5_reference_vectors*.json")) {
            JsonNode golden = JSON.readTree(file.toFile());
            int number = 0;
            for (JsonNode vector : golden.path("metrics")) {
                tests.add(dynamicTest(
                        file.getFileName() + ": " + vector.get("fn").textValue() + " " + number++,
                        () -> verifyVector(vector)));
            }
            for (JsonNode vector : golden.path("qa_normalisation")) {
                if (vector.get("fn").textValue().equals("normalize_squad")) {
                    tests.add(dynamicTest(file.getFileName() + ": normalize_squad", () -> assertThat(
                                    SquadMetric.normalize(vector.get("in").textValue()))
                            .isEqualTo(vector.get("out").textValue())));
                }
            }
            for (JsonNode vector : golden.path("wsc_simple_postprocess")) {
                tests.add(dynamicTest(
                        file.getFileName() + ": wsc " + vector.get("pred").textValue(),
                        () -> verifyVerdict(
                                vector.get("pred").textValue(),
                                vector.get("referent").textValue(),
                                vector.get("class").intValue())));
            }
        }
        return tests;
    }

    private static void verifyVector(JsonNode vector) {
        JsonNode expected = vector.get("expected");
        switch (vector.get("fn").textValue()) {
            case "bleu" -> verifyScores(t5Bleu(), streams(vector), expected, Map.of("bleu", "bleu"));
            case "rouge|rouge_mean" ->
                verifyScores(
                        RougeMetric.t5(),
                        pairs(texts(vector.get("targets")), texts(vector.get("predictions"))),
                        expected,
                        Map.of("rouge1", "rouge1", "rouge2", "rouge2", "rougeLsum", "rougeLsum"));
            case "squad" -> {
                List<Answer> answers = new ArrayList<>();
                for (int i = 0; i < vector.get("targets").size(); i++) {
                    answers.add(Answer.text(
                            Integer.toString(i),
                            texts(vector.get("targets").get(i)),
                            vector.get("predictions").get(i).textValue()));
                }
                verifyScores(new SquadMetric(), answers, expected, Map.of("em", "exact-match", "f1", "f1"));
            }
            case "accuracy" ->
                verifyScores(
                        new LabelMetric(List.of("0", "1", "2"), LabelMetric.Averages.ACCURACY),
                        classes(vector),
                        expected,
                        Map.of("accuracy", "accuracy"));
            case "mean_multiclass_f1(3)" ->
                verifyScores(
                        new LabelMetric(List.of("0", "1", "2"), LabelMetric.Averages.ACCURACY_AND_MACRO_F1),
                        classes(vector),
                        expected,
                        Map.of("mean_3class_f1", "macro-f1"));
            case "f1_score_with_invalid", "multirc_f1_over_all_answers" ->
                verifyScores(new MultiRcMetric(), booleans(vector), expected, Map.of("f1", "f1a"));
            default -> assumeTrue(false, "no metric for " + vector.get("fn"));
        }
    }

    private static void verifyScores(
            Metric metric, List<Answer> answers, JsonNode expected, Map<String, String> names) {
        Scores scores = Scores.of("vector", metric, answers, BOOTSTRAP);
        names.forEach((key, name) -> assertThat(scores.score(name).value())
                .as(key)
                .isCloseTo(expected.get(key).doubleValue(), EXACT));
    }

    /** Targets are one text an example, or streams of references. */
    private static List<Answer> streams(JsonNode vector) {
        JsonNode targets = vector.get("targets");
        if (targets.get(0).isTextual()) {
            return pairs(texts(targets), texts(vector.get("predictions")));
        }
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < vector.get("predictions").size(); i++) {
            List<String> references = new ArrayList<>();
            for (JsonNode stream : targets) {
                references.add(stream.get(i).textValue());
            }
            answers.add(Answer.text(
                    Integer.toString(i),
                    references,
                    vector.get("predictions").get(i).textValue()));
        }
        return answers;
    }

    private static List<Answer> classes(JsonNode vector) {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < vector.get("targets").size(); i++) {
            answers.add(Answer.label(
                    Integer.toString(i),
                    vector.get("targets").get(i).asText(),
                    vector.get("predictions").get(i).asText()));
        }
        return answers;
    }

    private static List<Answer> booleans(JsonNode vector) {
        List<String> names = List.of("False", "True", "neither");
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < vector.get("targets").size(); i++) {
            JsonNode target = vector.get("targets").get(i);
            int gold = target.isObject() ? target.get("value").intValue() : target.intValue();
            String group = target.isObject() ? target.get("group").textValue() : Integer.toString(i);
            answers.add(Answer.label(
                    group,
                    names.get(gold),
                    names.get(vector.get("predictions").get(i).intValue())));
        }
        return answers;
    }

    private static List<Answer> pairs(List<String> targets, List<String> predictions) {
        assertThat(predictions).hasSameSizeAs(targets);
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < targets.size(); i++) {
            answers.add(new Answer(Integer.toString(i), "", List.of(targets.get(i)), Optional.of(predictions.get(i))));
        }
        return answers;
    }

    private static double[] sums(Metric metric, List<Answer> answers) {
        double[] sums = new double[metric.width()];
        for (Answer answer : answers) {
            metric.accumulate(List.of(answer), sums);
        }
        return sums;
    }

    private static Rouge.Type type(String label) {
        for (Rouge.Type type : Rouge.Type.values()) {
            if (type.label().equals(label)) {
                return type;
            }
        }
        throw new AssertionError("no ROUGE variant " + label);
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.textValue()));
        return texts;
    }
}
