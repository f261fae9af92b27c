package dev.sparkswitch.eval.report;

import dev.sparkswitch.eval.metric.Scores;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/** A run in plain words and a handful of figures. */
final class Summary {
    private Summary() {}

    static List<String> paragraphs(
            List<Sections.Stage> stages, String unit, List<RunReport.Phase> phases, List<Scores> scores) {
        StringBuilder text = new StringBuilder();
        if (!stages.isEmpty()) {
            Sections.Stage first = stages.get(0);
            Sections.Stage last = stages.get(stages.size() - 1);
            text.append("Of ")
                    .append(Numbers.count(first.kept() + first.dropped()))
                    .append(' ')
                    .append(unit);
            text.append(" read, ").append(Numbers.count(last.kept())).append(" passed all rules. ");
        }
        for (RunReport.Phase phase : phases) {
            phase(phase, text);
        }
        List<String> paragraphs = new ArrayList<>();
        if (!text.isEmpty()) {
            paragraphs.add(text.toString().strip());
        }
        if (!scores.isEmpty()) {
            paragraphs.add(scores(scores));
        }
        return paragraphs;
    }

    private static void phase(RunReport.Phase phase, StringBuilder text) {
        List<StepMetrics> steps = phase.log().steps();
        if (steps.isEmpty()) {
            return;
        }
        text.append(phase.name())
                .append(" took ")
                .append(Numbers.count(steps.get(steps.size() - 1).step()));
        text.append(" steps");
        if (phase.log().seconds() > 0) {
            text.append(" in ").append(Numbers.duration(phase.log().seconds()));
        }
        text.append("; ");
        boolean heldOut = last(steps, StepMetrics::heldOutLoss).isPresent();
        ToDoubleFunction<StepMetrics> loss = heldOut ? StepMetrics::heldOutLoss : StepMetrics::crossEntropy;
        OptionalDouble first =
                steps.stream().mapToDouble(loss).filter(Double::isFinite).findFirst();
        OptionalDouble end = last(steps, loss);
        if (first.isPresent() && end.isPresent()) {
            text.append("the loss on ")
                    .append(heldOut ? "held-out" : "training")
                    .append(" text ");
            text.append(end.getAsDouble() < first.getAsDouble() ? "fell" : "went")
                    .append(" from ");
            text.append(Numbers.decimal(first.getAsDouble(), 2)).append(" to ");
            text.append(Numbers.decimal(end.getAsDouble(), 2)).append(" nats per token");
        } else {
            text.append("its loss was not recorded");
        }
        OptionalDouble textLoss = last(steps, StepMetrics::heldOutTextLoss);
        if (textLoss.isPresent() && phase.unigramEntropy().isPresent()) {
            double margin = phase.unigramEntropy().getAsDouble() - textLoss.getAsDouble();
            text.append(", and on text tokens alone to ")
                    .append(Numbers.decimal(textLoss.getAsDouble(), 2))
                    .append(", ");
            text.append(Numbers.decimal(Math.abs(margin), 2)).append(margin >= 0 ? " below " : " above ");
            text.append("what word frequencies alone would give");
        }
        text.append(". ");
    }

    private static String scores(List<Scores> scores) {
        StringBuilder text = new StringBuilder("On examples that training never saw, the model reached ");
        for (int i = 0; i < scores.size(); i++) {
            Scores task = scores.get(i);
            Scores.Score score = task.scores().get(0);
            if (i > 0) {
                text.append(i == scores.size() - 1 ? " and " : ", ");
            }
            text.append(Numbers.decimal(score.value(), 1)).append(' ').append(Sections.label(score.name()));
            text.append(" on ")
                    .append(Sections.label(task.task()))
                    .append(" (")
                    .append(Numbers.decimal(score.low(), 1));
            text.append(" to ").append(Numbers.decimal(score.high(), 1)).append(", ");
            text.append(Numbers.count(task.examples())).append(" examples)");
        }
        return text.append(". The ranges are ")
                .append(Numbers.decimal(100 * scores.get(0).level(), 0))
                .append("% intervals.")
                .toString();
    }

    static List<Tiles.Tile> tiles(List<RunReport.Phase> phases, List<Scores> scores) {
        List<Tiles.Tile> tiles = new ArrayList<>();
        for (Scores task : scores) {
            Scores.Score score = task.scores().get(0);
            tiles.add(new Tiles.Tile(
                    Sections.label(task.task()) + ", " + Sections.label(score.name()),
                    Numbers.decimal(score.value(), 1),
                    "of 100",
                    Numbers.decimal(score.low(), 1) + " to " + Numbers.decimal(score.high(), 1) + ", "
                            + Numbers.count(task.examples()) + " examples"));
        }
        if (phases.isEmpty() || phases.get(0).log().steps().isEmpty()) {
            return tiles;
        }
        RunReport.Phase phase = phases.get(0);
        List<StepMetrics> steps = phase.log().steps();
        last(steps, StepMetrics::heldOutLoss)
                .ifPresent(loss -> tiles.add(new Tiles.Tile(
                        "Held-out loss", Numbers.decimal(loss, 2), "nats/token", "end of " + lower(phase.name()))));
        OptionalDouble speed = steps.stream()
                .mapToDouble(StepMetrics::tokensPerSecond)
                .filter(Double::isFinite)
                .average();
        speed.ifPresent(tokens -> tiles.add(new Tiles.Tile(
                "Throughput", Numbers.count(Math.round(tokens)), "tokens/s", "mean of " + lower(phase.name()))));
        if (!phase.log().hasExperts()) {
            return tiles;
        }
        OptionalDouble dropped = steps.stream()
                .mapToDouble(StepMetrics::droppedFraction)
                .filter(Double::isFinite)
                .average();
        dropped.ifPresent(share -> tiles.add(new Tiles.Tile(
                "Dropped tokens", Numbers.percent(share).replace("%", ""), "%", "mean of " + lower(phase.name()))));
        return tiles;
    }

    private static String lower(String name) {
        return name.substring(0, 1).toLowerCase(java.util.Locale.ROOT) + name.substring(1);
    }

    private static OptionalDouble last(List<StepMetrics> steps, ToDoubleFunction<StepMetrics> value) {
        return steps.stream().mapToDouble(value).filter(Double::isFinite).reduce((before, after) -> after);
    }
}
