package dev.sparkswitch.eval.report;

import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.report.Chart.Axis;
import dev.sparkswitch.eval.report.Chart.Bars;
import dev.sparkswitch.eval.report.Chart.Curve;
import dev.sparkswitch.eval.report.Chart.Format;
import dev.sparkswitch.eval.report.Chart.Mark;
import dev.sparkswitch.eval.report.Chart.Marks;
import dev.sparkswitch.eval.report.Chart.Scale;
import dev.sparkswitch.eval.report.Chart.Style;
import dev.sparkswitch.eval.report.Chart.Width;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The sections that pages are put together from; each leaves out what its input does not have. */
public final class Sections {
    private static final Pattern TRANSLATION = Pattern.compile("translate-([a-z]+)-to-([a-z]+)");
    static final Axis STEP = new Axis("step", Format.COUNT);

    /**
     * A stage of the pipeline and what it let pass.
     *
     * @param name the rule or stage
     * @param kept documents (or rows) that went on
     * @param dropped those that did not
     */
    public record Stage(String name, long kept, long dropped) {}

    /** A named fact: a version, a seed, a hash, a setting. */
    public record Fact(String name, String value) {}

    private Sections() {}

    /** The pipeline's counters as a funnel and in figures; {@code unit} is what is counted, such as {@code documents}. */
    public static List<Block> funnel(List<Stage> stages, String unit) {
        if (stages.isEmpty()) {
            return List.of();
        }
        double[] kept = stages.stream().mapToDouble(Stage::kept).toArray();
        double[] dropped = stages.stream().mapToDouble(Stage::dropped).toArray();
        Chart chart = Chart.stacked(
                "What each rule keeps and drops",
                "In order: each rule sees what the one above it kept.",
                Width.FULL,
                new Axis(unit, Format.COUNT),
                stages.stream().map(Stage::name).toList(),
                List.of(new Bars("kept", kept), new Bars("dropped", dropped)));
        Table table = Table.captioned("")
                .column("Rule", Table.Kind.TEXT)
                .column("Kept, " + unit, Table.Kind.NUMBER)
                .column("Dropped, " + unit, Table.Kind.NUMBER)
                .column("Dropped of what it saw", Table.Kind.NUMBER);
        for (Stage stage : stages) {
            long seen = stage.kept() + stage.dropped();
            table.row(
                    stage.name(),
                    Numbers.count(stage.kept()),
                    Numbers.count(stage.dropped()),
                    seen == 0 ? "–" : Numbers.percent((double) stage.dropped() / seen));
        }
        return List.of(chart, table);
    }

    /** Training and held-out loss, with the entropy that a model without context would reach where it is known. */
    public static List<Block> losses(MetricsLog log, OptionalDouble unigramEntropy) {
        List<Block> blocks = new ArrayList<>();
        List<Curve> curves = curves(
                log,
                new Named("training", Style.LINE, StepMetrics::crossEntropy),
                new Named("held out", Style.POINTS, StepMetrics::heldOutLoss));
        if (curves.isEmpty()) {
            curves = curves(log, new Named("training, all terms", Style.LINE, StepMetrics::loss));
        }
        Axis nats = new Axis("cross-entropy, nats per target token", Format.DECIMAL);
        add(
                blocks,
                "Loss",
                "Lower is better. Held out: text that training never sees, without dropout and smoothed labels.",
                Width.FULL,
                nats,
                curves,
                log,
                List.of(),
                Scale.SWITCHABLE);
        // Where targets are all text there is nothing to tell apart.
        List<Curve> text = curves(
                log,
                new Named(
                        "held-out text tokens",
                        Style.POINTS,
                        step -> step.heldOutTextLoss() == step.heldOutLoss() ? Double.NaN : step.heldOutTextLoss()));
        List<Mark> levels = unigramEntropy.isPresent()
                ? List.of(new Mark("unigram entropy", unigramEntropy.getAsDouble()))
                : List.of();
        Width half = text.isEmpty() ? Width.FULL : Width.HALF;
        add(
                blocks,
                "Held-out loss on text alone",
                "Sentinels and end marks left out."
                        + (levels.isEmpty() ? "" : " The dashed line is what word frequencies alone would give."),
                Width.HALF,
                new Axis("nats per token", Format.DECIMAL),
                text,
                log,
                levels,
                Scale.FITTED);
        add(
                blocks,
                "Auxiliary losses",
                "The router's balance and z-loss, as they enter the total.",
                half,
                new Axis("nats per target token", Format.SCIENTIFIC),
                curves(
                                log,
                                new Named("balance", Style.LINE, StepMetrics::balanceLoss),
                                new Named("z", Style.LINE, StepMetrics::zLoss))
                        .stream()
                        .filter(Sections::isUsed)
                        .toList(),
                log,
                List.of(),
                Scale.SWITCHABLE);
        return blocks;
    }

    /** A loss that is zero all along is not part of the training. */
    private static boolean isUsed(Curve curve) {
        return Arrays.stream(curve.points()).anyMatch(point -> point[1] != 0);
    }

    /** What the models on the way scored on validation examples; a task with one score is shown once. */
    public static List<Block> validation(MetricsLog log) {
        SortedSet<String> names = new TreeSet<>();
        log.steps().forEach(step -> names.addAll(step.scores().keySet()));
        names.removeIf(name ->
                names.stream().filter(other -> other.startsWith(name + "/")).count() > 0);
        Named[] curves = names.stream()
                .map(name -> new Named(name, Style.POINTS, step -> step.scores().getOrDefault(name, Double.NaN)))
                .toArray(Named[]::new);
        List<Block> blocks = new ArrayList<>();
        add(
                blocks,
                "Scores of the models on the way",
                "On validation examples, from 0 to 100. The result is the best of these models.",
                Width.FULL,
                new Axis("score", Format.DECIMAL),
                curves(log, curves),
                log,
                List.of(),
                Scale.FROM_ZERO);
        return blocks;
    }

    /** Speed, learning rate and gradient norm. */
    public static List<Block> progress(MetricsLog log) {
        List<Block> blocks = new ArrayList<>();
        add(
                blocks,
                "Throughput",
                "All ranks together; evaluation and checkpoints apart.",
                Width.FULL,
                new Axis("tokens per second", Format.COUNT),
                curves(log, new Named("tokens per second", Style.LINE, StepMetrics::tokensPerSecond)),
                log,
                List.of(),
                Scale.FROM_ZERO);
        add(
                blocks,
                "Learning rate",
                "",
                Width.HALF,
                new Axis("rate", Format.SCIENTIFIC),
                curves(log, new Named("rate", Style.LINE, StepMetrics::learningRate)),
                log,
                List.of(),
                Scale.FROM_ZERO);
        add(
                blocks,
                "Gradient norm",
                "Over all parameters, before clipping.",
                Width.HALF,
                new Axis("norm", Format.DECIMAL),
                curves(log, new Named("norm", Style.LINE, StepMetrics::gradientNorm)),
                log,
                List.of(),
                Scale.SWITCHABLE);
        return blocks;
    }

    /** What befell the run. */
    public static List<Block> events(MetricsLog log) {
        if (log.events().isEmpty()) {
            return List.of();
        }
        Table table = Table.captioned("Training went on by itself after each of these.")
                .column("Step", Table.Kind.NUMBER)
                .column("Event", Table.Kind.TEXT)
                .column("Cause", Table.Kind.LONG_TEXT);
        for (MetricsLog.Event event : log.events()) {
            table.row(Numbers.count(event.step()), event.kind(), event.cause());
        }
        return List.of(table);
    }

    /** Scores with intervals and counts. */
    public static List<Block> scores(List<Scores> tasks) {
        if (tasks.isEmpty()) {
            return List.of();
        }
        String level = Numbers.decimal(100 * tasks.get(0).level(), 0) + "% interval, 0 to 100";
        Table table = Table.captioned(
                        "From 0 to 100. The interval comes from resampling the examples; an answer that is"
                                + " missing or not allowed counts as wrong.")
                .column("Task", Table.Kind.TEXT)
                .column("Metric", Table.Kind.TEXT)
                .column("Score", Table.Kind.NUMBER)
                .column(level, Table.Kind.INTERVAL)
                .column("Examples", Table.Kind.NUMBER)
                .column("Missing", Table.Kind.NUMBER)
                .column("Not allowed", Table.Kind.NUMBER);
        for (Scores task : tasks) {
            for (Scores.Score score : task.scores()) {
                table.startRow()
                        .cell(label(task.task()))
                        .cell(label(score.name()))
                        .cell(Numbers.decimal(score.value(), 1))
                        .interval(score.value(), score.low(), score.high())
                        .cell(Numbers.count(task.examples()))
                        .cell(Numbers.count(task.missing()))
                        .cell(Numbers.count(task.invalid()));
            }
        }
        return List.of(table);
    }

    /** Answers beside the gold ones. */
    public static List<Block> examples(List<Examples.Entry> entries) {
        if (entries.isEmpty()) {
            return List.of();
        }
        long right = entries.stream()
                .filter(entry -> entry.verdict() == Examples.Verdict.RIGHT)
                .count();
        return List.of(
                new Prose(right + " of these " + entries.size()
                        + " are right: the gold answer word for word, punctuation and case apart."),
                new Examples(entries));
    }

    /** Versions, seeds, hashes and settings. */
    public static List<Block> facts(List<Fact> facts) {
        if (facts.isEmpty()) {
            return List.of();
        }
        Table table = Table.captioned("").column("What", Table.Kind.TEXT).column("Value", Table.Kind.LONG_TEXT);
        facts.forEach(fact -> table.row(fact.name(), fact.value()));
        return List.of(table);
    }

    /** The customary spelling of a task's or metric's name. */
    static String label(String name) {
        return switch (name) {
            case "squad" -> "SQuAD";
            case "boolq" -> "BoolQ";
            case "xsum" -> "XSum";
            case "multirc" -> "MultiRC";
            case "record" -> "ReCoRD";
            case "wic" -> "WiC";
            case "cb", "copa", "rte", "wsc" -> name.toUpperCase(Locale.ROOT);
            case "exact-match" -> "exact match";
            case "f1" -> "F1";
            case "f1a" -> "F1 over answers";
            case "macro-f1" -> "macro-F1";
            case "rouge1" -> "ROUGE-1";
            case "rouge2" -> "ROUGE-2";
            case "rougeL" -> "ROUGE-L";
            case "rougeLsum" -> "ROUGE-Lsum";
            case "bleu" -> "BLEU";
            case "chrf2" -> "chrF2";
            case "chrf2++" -> "chrF2++";
            case "cnn-dailymail" -> "CNN/DailyMail";
            case "auc-roc" -> "area under ROC";
            case "auc-pr" -> "average precision";
            case "sequence-accuracy" -> "exact sequence";
            default -> translation(name);
        };
    }

    /** {@code translate-english-to-german} as people say it; other names as they are. */
    private static String translation(String name) {
        Matcher languages = TRANSLATION.matcher(name);
        return languages.matches() ? capital(languages.group(1)) + " to " + capital(languages.group(2)) : name;
    }

    private static String capital(String word) {
        return word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
    }

    record Named(String name, Style style, ToDoubleFunction<StepMetrics> value) {}

    static List<Curve> curves(MetricsLog log, Named... named) {
        List<Curve> curves = new ArrayList<>();
        for (Named one : named) {
            double[][] points = log.steps().stream()
                    .map(step -> new double[] {step.step(), one.value().applyAsDouble(step)})
                    .filter(point -> Double.isFinite(point[1]))
                    .toArray(double[][]::new);
            if (points.length > 0) {
                curves.add(new Curve(one.name(), one.style(), points));
            }
        }
        return curves;
    }

    static void add(
            List<Block> blocks,
            String title,
            String note,
            Width width,
            Axis y,
            List<Curve> curves,
            MetricsLog log,
            List<Mark> levels,
            Scale scale) {
        if (curves.isEmpty()) {
            return;
        }
        List<Mark> events = log.events().stream()
                .map(event -> new Mark(event.kind(), event.step()))
                .toList();
        blocks.add(Chart.lines(title, note, width, STEP, y, scale, curves, new Marks(levels, events)));
    }
}
