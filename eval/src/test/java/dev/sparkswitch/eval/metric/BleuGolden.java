package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.eval.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;

/** sacreBLEU's scores, tokens, signatures and chrF. */
final class BleuGolden {
    private BleuGolden() {}

    static List<DynamicTest> tests(Path data) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.files(data.resolve("metrics"), "sacrebleu_golden*.json")) {
            JsonNode golden = Goldens.JSON.readTree(file.toFile());
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
                    double[] sums = Goldens.sums(
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
                            BleuMetric.Case.MIXED);
                    verifyBleu(
                            metric.bleu(
                                    Goldens.sums(
                                            metric,
                                            Goldens.pairs(
                                                    Goldens.texts(row.get("ref")), Goldens.texts(row.get("hyp")))),
                                    BleuMetric.Order.FULL),
                            row);
                    verifySignature(metric, 1, row);
                }));
            }
            for (JsonNode row : golden.path("t5_unit")) {
                tests.add(dynamicTest(name + "t5", () -> {
                    BleuMetric metric = Goldens.t5Bleu();
                    assertThat(metric.scores(Goldens.sums(
                                    metric,
                                    Goldens.pairs(
                                            Goldens.texts(row.get("targets")), Goldens.texts(row.get("predictions")))))[
                                    0])
                            .isCloseTo(row.get("t5_bleu").doubleValue(), Goldens.EXACT);
                }));
            }
            for (JsonNode row : golden.path("chrf")) {
                tests.add(dynamicTest(name + "chrF " + row.get("system").textValue(), () -> {
                    String signature = row.get("signature").textValue();
                    ChrfMetric metric = new ChrfMetric(
                            Integer.parseInt(signature.replaceAll(".*\\|nw:(\\d+).*", "$1")),
                            signature.contains("|case:lc") ? BleuMetric.Case.LOWER : BleuMetric.Case.MIXED);
                    double[] sums = Goldens.sums(metric, wmt(data.resolve("wmt/wmt22"), row, "ref"));
                    verifySignature(metric, row.get("ref").textValue().length(), row);
                    assertThat(metric.scores(sums)[0])
                            .isCloseTo(row.get("score").doubleValue(), Goldens.EXACT);
                }));
            }
        }
        return tests;
    }

    private static void verifyCorpusBleu(Path folder, JsonNode row) throws IOException {
        BleuMetric metric = new BleuMetric(
                tokenizer(row.get("tokenize").textValue()),
                smoothing(row.get("smooth").textValue()),
                row.get("lowercase").booleanValue() ? BleuMetric.Case.LOWER : BleuMetric.Case.MIXED);
        double[] sums = Goldens.sums(metric, wmt(folder, row, "refs"));
        verifyBleu(metric.bleu(sums, BleuMetric.Order.FULL), row);
        for (int n = 0; n < 4; n++) {
            assertThat(sums[2 + n]).isEqualTo(row.get("counts").get(n).doubleValue());
            assertThat(sums[6 + n]).isEqualTo(row.get("totals").get(n).doubleValue());
        }
        verifySignature(metric, row.get("refs").textValue().length(), row);
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
        assertThat(bleu.score()).isCloseTo(row.get("score").doubleValue(), Goldens.EXACT);
        assertThat(bleu.brevityPenalty()).isCloseTo(row.get("bp").doubleValue(), Goldens.EXACT);
        for (int n = 0; n < 4; n++) {
            assertThat(bleu.precisions().get(n))
                    .isCloseTo(row.get("precisions").get(n).doubleValue(), Goldens.EXACT);
        }
        if (row.has("sys_len")) {
            assertThat(bleu.systemLength()).isEqualTo(row.get("sys_len").longValue());
            assertThat(bleu.referenceLength()).isEqualTo(row.get("ref_len").longValue());
        }
    }

    private static void verifySignature(Metric metric, int references, JsonNode row) {
        String expected = row.get("signature").textValue();
        String upToVersion = expected.substring(0, expected.indexOf("version:"));
        assertThat(metric.signature(references)).startsWith(upToVersion);
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
}
