package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.eval.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;

/** The cases of T5's own tests. */
final class VectorGolden {
    private VectorGolden() {}

    static List<DynamicTest> tests(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(data.resolve("metrics"), "t5_reference_vectors*.json")) {
            JsonNode golden = Goldens.JSON.readTree(file.toFile());
            int number = 0;
            for (JsonNode vector : golden.path("metrics")) {
                tests.add(dynamicTest(
                        file.getFileName() + ": " + vector.get("fn").textValue() + " " + number++,
                        () -> verifyVector(vector)));
            }
            for (JsonNode vector : golden.path("qa_normalisation")) {
                String function = vector.get("fn").textValue();
                tests.add(dynamicTest(
                        file.getFileName() + ": " + function, () -> verifyQuestionAnswering(function, vector)));
            }
            for (JsonNode vector : golden.path("wsc_simple_postprocess")) {
                tests.add(dynamicTest(
                        file.getFileName() + ": wsc " + vector.get("pred").textValue(),
                        () -> SuperGlueGolden.verifyVerdict(
                                vector.get("pred").textValue(),
                                vector.get("referent").textValue(),
                                vector.get("class").intValue())));
            }
        }
        return tests;
    }

    private static void verifyQuestionAnswering(String function, JsonNode vector) {
        switch (function) {
            case "normalize_squad" -> verifyForm(AnswerForm.SQUAD, vector);
            case "normalize_trivia_qa" -> verifyForm(AnswerForm.TRIVIA_QA, vector);
            // These are in a normal form already.
            case "qa_metrics" -> verifyAnswers(AnswerForm.WRITTEN, vector);
            default -> assumeTrue(false, "no function " + function);
        }
    }

    private static void verifyForm(AnswerForm form, JsonNode vector) {
        assertThat(form.of(vector.get("in").textValue()))
                .isEqualTo(vector.get("out").textValue());
    }

    private static void verifyAnswers(AnswerForm form, JsonNode vector) {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < vector.get("targets").size(); i++) {
            answers.add(Answer.text(
                    Integer.toString(i),
                    Goldens.texts(vector.get("targets").get(i)),
                    vector.get("predictions").get(i).textValue()));
        }
        verifyScores(new SquadMetric(form), answers, vector.path("expected"), Map.of("em", "exact-match", "f1", "f1"));
    }

    private static void verifyVector(JsonNode vector) {
        JsonNode expected = vector.get("expected");
        switch (vector.get("fn").textValue()) {
            case "bleu" -> verifyScores(Goldens.t5Bleu(), streams(vector), expected, Map.of("bleu", "bleu"));
            case "rouge|rouge_mean" ->
                verifyScores(
                        RougeMetric.t5(),
                        Goldens.pairs(Goldens.texts(vector.get("targets")), Goldens.texts(vector.get("predictions"))),
                        expected,
                        Map.of("rouge1", "rouge1", "rouge2", "rouge2", "rougeLsum", "rougeLsum"));
            case "squad" -> verifyAnswers(AnswerForm.SQUAD, vector);
            case "trivia_qa" -> verifyAnswers(AnswerForm.TRIVIA_QA, vector);
            case "span_squad" -> verifySpans(vector);
            case "sequence_accuracy" ->
                verifyScores(
                        new SequenceMetric(),
                        Goldens.pairs(Goldens.texts(vector.get("targets")), Goldens.texts(vector.get("predictions"))),
                        expected,
                        Map.of("sequence_accuracy", "sequence-accuracy"));
            case "all_match" ->
                verifyScores(
                        new GroupMetric(GroupMetric.Worth.ALL),
                        grouped(vector, "all"),
                        expected,
                        Map.of("exact_match", "group-match"));
            case "deduplicate_metric(accuracy)" ->
                verifyScores(
                        new GroupMetric(GroupMetric.Worth.FIRST),
                        grouped(vector, ""),
                        expected,
                        Map.of("accuracy", "first-accuracy"));
            case "mean_group_metric(accuracy)" ->
                verifyScores(
                        new GroupMetric(GroupMetric.Worth.MEAN),
                        grouped(vector, ""),
                        expected,
                        Map.of("accuracy", "group-accuracy"));
            case "mean_group_metric(all_match)" ->
                verifyScores(
                        new GroupMetric(GroupMetric.Worth.ALL),
                        grouped(vector, ""),
                        expected,
                        Map.of("exact_match", "group-match"));
            case "pearson_corrcoef" ->
                verifyScores(
                        new NumberMetric(NumberMetric.Kind.CORRELATION),
                        grouped(vector, ""),
                        expected,
                        Map.of("pearson_corrcoef", "pearson"));
            case "spearman_corrcoef" ->
                verifyScores(
                        new NumberMetric(NumberMetric.Kind.CORRELATION),
                        grouped(vector, ""),
                        expected,
                        Map.of("spearman_corrcoef", "spearman"));
            case "matthews_corrcoef" ->
                verifyScores(
                        new MatthewsMetric(labels(vector)),
                        classes(vector),
                        expected,
                        Map.of("matthews_corrcoef", "matthews"));
            case "auc" -> verifyCurves(vector);
            case "rank_classification(num_classes=2)", "rank_classification(num_classes=3)" -> verifyRanks(vector);
            case "accuracy" ->
                verifyScores(
                        new LabelMetric(labels(vector), LabelMetric.Averages.ACCURACY),
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

    private static void verifySpans(JsonNode vector) {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < vector.get("targets").size(); i++) {
            JsonNode target = vector.get("targets").get(i);
            answers.add(Answer.text(
                    Integer.toString(i),
                    Goldens.texts(target.get("answers")),
                    SpanAnswers.text(
                            target.get("context").textValue(),
                            vector.get("predictions").get(i).textValue())));
        }
        verifyScores(new SquadMetric(), answers, vector.get("expected"), Map.of("em", "exact-match", "f1", "f1"));
    }

    /** The reference gives shares, ours are percentages; four digits of them are written down. */
    private static void verifyCurves(JsonNode vector) {
        Scores scores =
                Scores.of("vector", new NumberMetric(NumberMetric.Kind.CURVES), grouped(vector, ""), Goldens.BOOTSTRAP);
        vector.get("expected").fields().forEachRemaining(entry -> assertThat(
                        scores.score(entry.getKey()).value() / 100)
                .isCloseTo(entry.getValue().doubleValue(), within(5e-5)));
    }

    private static void verifyRanks(JsonNode vector) {
        List<RankClassification.Ranked> examples = new ArrayList<>();
        for (int i = 0; i < vector.get("groups").size(); i++) {
            List<Double> likelihoods = new ArrayList<>();
            vector.get("groups").get(i).forEach(value -> likelihoods.add(value.doubleValue()));
            examples.add(new RankClassification.Ranked(
                    likelihoods, vector.get("correct").get(i).intValue()));
        }
        Map<String, Double> scores = RankClassification.scores(examples);
        vector.get("expected").fields().forEachRemaining(entry -> {
            String name = entry.getKey().matches("mean_\\d+class_f1") ? "macro-f1" : entry.getKey();
            assertThat(scores.get(name)).as(name).isCloseTo(entry.getValue().doubleValue(), Goldens.EXACT);
        });
    }

    private static void verifyScores(
            Metric metric, List<Answer> answers, JsonNode expected, Map<String, String> names) {
        Scores scores = Scores.of("vector", metric, answers, Goldens.BOOTSTRAP);
        names.forEach((key, name) -> assertThat(scores.score(name).value())
                .as(key)
                .isCloseTo(expected.get(key).doubleValue(), Goldens.EXACT));
    }

    /** Targets are one text an example, or streams of references. */
    private static List<Answer> streams(JsonNode vector) {
        JsonNode targets = vector.get("targets");
        if (targets.get(0).isTextual()) {
            return Goldens.pairs(Goldens.texts(targets), Goldens.texts(vector.get("predictions")));
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

    /** Every class that occurs, so that none counts as an invalid answer. */
    private static List<String> labels(JsonNode vector) {
        SortedSet<String> labels = new TreeSet<>();
        vector.get("targets").forEach(target -> labels.add(target.asText()));
        vector.get("predictions").forEach(prediction -> labels.add(prediction.asText()));
        return List.copyOf(labels);
    }

    /** Groups as the targets have them, else {@code group} for all, else one an example. */
    private static List<Answer> grouped(JsonNode vector, String group) {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < vector.get("targets").size(); i++) {
            JsonNode target = vector.get("targets").get(i);
            String own = group.isEmpty() ? Integer.toString(i) : group;
            String text = target.path("value").asText(target.asText());
            answers.add(Answer.label(
                    target.path("group").asText(own),
                    text,
                    vector.get("predictions").get(i).asText()));
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
}
