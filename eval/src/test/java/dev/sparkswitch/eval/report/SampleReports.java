package dev.sparkswitch.eval.report;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.eval.metric.Answer;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.LabelMetric;
import dev.sparkswitch.eval.metric.RougeMetric;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.metric.SquadMetric;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** Renders pages of made-up runs, to be looked at. */
public final class SampleReports {
    private static final Philox RANDOM = new Philox(42, 1, 0, 0);
    private static long element;

    private SampleReports() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        demo().page().write(folder.resolve("demo.html"));
        RunReport.titled("Pre-training of switch-small", "run 2025-11-21 · SparkSwitch 0.1.0 · two executors")
                .phase(new RunReport.Phase("Pre-training", log(12_000, 12, 32, true), OptionalDouble.of(6.2)))
                .facts(facts())
                .page()
                .write(folder.resolve("pretrain.html"));
    }

    static RunReport demo() throws IOException {
        return RunReport.titled(
                        "From raw text to a scored Switch Transformer",
                        "Demonstration · SparkSwitch 0.1.0 · 2025-11-21 22:40 UTC")
                .pipeline(stages(), "documents")
                .phase(new RunReport.Phase("Pre-training", log(300, 2, 8, false), OptionalDouble.of(5.92)))
                .phase(new RunReport.Phase("Fine-tuning", log(400, 2, 8, false), OptionalDouble.empty()))
                .scores(scores())
                .examples(examples())
                .facts(facts());
    }

    static List<Sections.Stage> stages() {
        return List.of(
                new Sections.Stage("Readable", 17_590, 7),
                new Sections.Stage("English at p ≥ 0.99", 1_142, 16_448),
                new Sections.Stage("Lines with terminal punctuation", 1_120, 22),
                new Sections.Stage("At least 3 sentences", 981, 139),
                new Sections.Stage("No policy phrases", 981, 0),
                new Sections.Stage("Exact duplicates", 948, 33));
    }

    static MetricsLog log(int steps, int layers, int experts, boolean restarts) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int step = 1; step <= steps; step++) {
            double progress = (double) step / steps;
            double loss = 4.9 + 3.6 * Math.exp(-9 * progress) - 0.5 * progress + 0.06 * noise();
            lines.append(String.format(
                    Locale.ROOT,
                    "{\"step\":%d,\"loss\":%.4f,\"cross-entropy\":%.4f,\"balance-loss\":%.5f,\"z-loss\":%.6f,"
                            + "\"learning-rate\":%.6f,\"gradient-norm\":%.3f,\"tokens-per-second\":%.0f,\"seconds\":0.41,"
                            + "\"dropped-fraction\":%.4f",
                    step,
                    loss + 0.02,
                    loss,
                    0.01 + 0.012 * Math.exp(-20 * progress) + 0.0002 * noise(),
                    0.002 * Math.exp(-5 * progress) + 0.0003,
                    0.01 * Math.min(1, Math.min(progress * 10, Math.sqrt(0.1 / progress))),
                    0.6 + 2 * Math.exp(-10 * progress) + 0.08 * noise(),
                    12_400 + 350 * noise() - (step % 97 == 0 ? 3000 : 0),
                    Math.max(0, 0.02 + 0.22 * Math.exp(-12 * progress) + 0.006 * noise())));
            if (step % (steps / 6) == 0 || step == 1) {
                lines.append(String.format(
                        Locale.ROOT, ",\"heldout-loss\":%.4f,\"heldout-text-loss\":%.4f", loss + 0.05, loss + 0.4));
            }
            if (step % Math.max(1, steps / 300) == 0) {
                layers(lines, layers, experts, progress);
            }
            lines.append("}\n");
            if (restarts && step == 7000) {
                lines.append(
                        "{\"event\":\"restart\",\"step\":7000,\"cause\":\"executor 2 was lost: killed by the resource manager for exceeding its memory\"}\n");
            }
        }
        return MetricsLog.read(new BufferedReader(new StringReader(lines.toString())), "sample");
    }

    private static void layers(StringBuilder lines, int layers, int experts, double progress) {
        lines.append(",\"layers\":[");
        for (int layer = 0; layer < layers; layer++) {
            double[] load = new double[experts];
            double sum = 0;
            for (int expert = 0; expert < experts; expert++) {
                double tilt = new Philox(layer, 2, 0, 0).uniform(expert) * 2 - 1;
                load[expert] = Math.exp(2.2 * tilt * Math.exp(-7 * progress) + 0.08 * noise());
                sum += load[expert];
            }
            lines.append(layer > 0 ? "," : "")
                    .append("{\"name\":\"")
                    .append(
                            layer < layers / 2
                                    ? "encoder " + (2 * layer + 1)
                                    : "decoder " + (2 * (layer - layers / 2) + 1))
                    .append("\",\"load\":[");
            for (int expert = 0; expert < experts; expert++) {
                lines.append(expert > 0 ? "," : "").append(String.format(Locale.ROOT, "%.4f", load[expert] / sum));
            }
            double dropped =
                    Math.max(0, 0.015 + 0.01 * layer / layers + 0.22 * Math.exp(-12 * progress) + 0.004 * noise());
            lines.append(String.format(
                    Locale.ROOT,
                    "],\"dropped\":%.4f,\"entropy\":%.3f,\"confidence\":%.3f,\"experts-per-token\":%.4f,\"experts\":{",
                    dropped,
                    0.6 + 1.2 * Math.exp(-3 * progress) + 0.02 * noise(),
                    0.75 - 0.4 * Math.exp(-3 * progress) + 0.01 * noise(),
                    1 - dropped));
            byExpert(lines, "taken", load, (1 - dropped) / sum);
            byExpert(lines.append(','), "dropped", load, dropped / sum);
            byExpert(lines.append(','), "entropy", load, 0.8 * experts / sum);
            byExpert(lines.append(','), "confidence", load, 0.6 / sum);
            lines.append("}}");
        }
        lines.append("]");
    }

    private static void byExpert(StringBuilder lines, String name, double[] values, double factor) {
        lines.append('"').append(name).append("\":[");
        for (int expert = 0; expert < values.length; expert++) {
            lines.append(expert > 0 ? "," : "").append(String.format(Locale.ROOT, "%.4f", values[expert] * factor));
        }
        lines.append(']');
    }

    static List<Scores> scores() {
        List<Answer> squad = new ArrayList<>();
        List<Answer> boolq = new ArrayList<>();
        List<Answer> xsum = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            squad.add(Answer.text("q" + i, List.of("the market"), i % 13 == 0 ? "park" : "market"));
            boolq.add(Answer.label(
                    "b" + i, i % 2 == 0 ? "True" : "False", i % 40 == 0 ? "maybe" : i % 2 == 0 ? "True" : "False"));
            xsum.add(Answer.text(
                    "x" + i,
                    List.of("Mary bought a chair."),
                    i % 5 == 0 ? "Mary lost a table." : "Mary bought a chair."));
        }
        Bootstrap bootstrap = Bootstrap.standard(17);
        return List.of(
                Scores.of("squad", new SquadMetric(), squad, bootstrap),
                Scores.of(
                        "boolq",
                        new LabelMetric(List.of("False", "True"), LabelMetric.Averages.ACCURACY),
                        boolq,
                        bootstrap),
                Scores.of("xsum", RougeMetric.t5(), xsum, bootstrap));
    }

    static List<Examples.Entry> examples() {
        List<Examples.Entry> entries = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Examples.Verdict verdict = i == 3 || i == 11 ? Examples.Verdict.WRONG : Examples.Verdict.RIGHT;
            boolean right = verdict == Examples.Verdict.RIGHT;
            switch (i % 3) {
                case 0 ->
                    entries.add(new Examples.Entry(
                            "SQuAD",
                            "question: Where did it happen ? context: On Monday Mary bought a red chair in the market . ",
                            List.of("market"),
                            right ? "market" : "Monday",
                            verdict,
                            ""));
                case 1 ->
                    entries.add(new Examples.Entry(
                            "BoolQ",
                            "boolq passage: On Friday Peter broke a blue lamp in the library. question: is this good news",
                            List.of("False"),
                            right ? "False" : "True",
                            verdict,
                            ""));
                default ->
                    entries.add(new Examples.Entry(
                            "XSum",
                            "summarize: On Sunday Helen received a yellow picture in the church.",
                            List.of("Helen received a picture."),
                            right ? "Helen received a picture." : "Helen lost a box.",
                            verdict,
                            "ROUGE-1 " + (right ? 100 : 50)));
            }
        }
        return entries;
    }

    static List<Sections.Fact> facts() {
        return List.of(
                new Sections.Fact("SparkSwitch", "0.1.0-SNAPSHOT"),
                new Sections.Fact("Spark", "4.2.0, local-cluster of 2 executors"),
                new Sections.Fact("Engine", "ND4J 1.0.0-M2.1, OpenBLAS 0.3.31, float32"),
                new Sections.Fact(
                        "Model", "d_model 128, 4 heads, d_ff 512, 2 + 2 layers, 8 experts in every second layer"),
                new Sections.Fact("Seed", "17"),
                new Sections.Fact(
                        "Vocabulary", "sha256:0f4c2b6d7e8a9b1c3d5e7f90123456789abcdef0123456789abcdef012345678"));
    }

    private static double noise() {
        return RANDOM.uniform(element++) + RANDOM.uniform(element++) + RANDOM.uniform(element++) - 1.5;
    }
}
