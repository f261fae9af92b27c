package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.eval.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;

/** Stems, ROUGE of pairs of texts and of whole systems. */
final class RougeGolden {
    private RougeGolden() {}

    static List<DynamicTest> stems(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(data.resolve("metrics"), "porter_stemmer_nltk_golden*.json")) {
            JsonNode golden = Goldens.JSON.readTree(file.toFile());
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

    static List<DynamicTest> rougeVectors(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        Path metrics = data.resolve("metrics");
        for (Path file : Fixtures.files(metrics, "rouge_official_vectors*.json")) {
            JsonNode golden = Goldens.JSON.readTree(file.toFile());
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
                    Scores scores =
                            Scores.of("large", metric, Goldens.pairs(targets, predictions), Bootstrap.standard(1));
                    bootstrap.get("deterministic_mean_no_stemmer").fields().forEachRemaining(entry -> assertThat(
                                    scores.score(entry.getKey()).value())
                            .isCloseTo(entry.getValue().doubleValue(), Goldens.EXACT));
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

    static List<DynamicTest> rougeOfXsumSystems(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(data.resolve("metrics"), "xsum_rouge_golden*.json")) {
            Goldens.JSON.readTree(file.toFile()).path("systems").fields().forEachRemaining(system -> system.getValue()
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
        List<Answer> answers = Goldens.pairs(targets, predictions).subList(0, lines);
        expected.fields()
                .forEachRemaining(stemmer -> stemmer.getValue().fields().forEachRemaining(preparation -> {
                    RougeMetric metric = new RougeMetric(
                            EnumSet.allOf(Rouge.Type.class),
                            stemmer.getKey().equals("stemmer_on") ? Rouge.Stemming.PORTER : Rouge.Stemming.NONE,
                            preparation.getKey().startsWith("t5")
                                    ? RougeMetric.Preparation.LINES_AT_PERIODS
                                    : RougeMetric.Preparation.NONE);
                    double[] sums = Goldens.sums(metric, answers);
                    for (int i = 0; i < metric.names().size(); i++) {
                        JsonNode value =
                                preparation.getValue().get(metric.names().get(i));
                        Rouge.Score mean = metric.mean(sums, i);
                        assertThat(100 * mean.precision())
                                .isCloseTo(value.get("precision").doubleValue(), Goldens.EXACT);
                        assertThat(100 * mean.recall())
                                .isCloseTo(value.get("recall").doubleValue(), Goldens.EXACT);
                        assertThat(100 * mean.fMeasure())
                                .isCloseTo(value.get("fmeasure").doubleValue(), Goldens.EXACT);
                    }
                }));
    }

    private static Rouge.Type type(String label) {
        for (Rouge.Type type : Rouge.Type.values()) {
            if (type.label().equals(label)) {
                return type;
            }
        }
        throw new AssertionError("no ROUGE variant " + label);
    }
}
