package dev.sparkswitch.eval.metric;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The scores of one task with everything that a reader needs to trust them.
 *
 * @param task the task's name
 * @param signature what pins the computation, empty where the names say it all
 * @param examples examples scored
 * @param units groups of examples that were resampled together
 * @param missing examples without a prediction, which scored as wrong
 * @param invalid examples whose prediction is no legal answer, which scored as wrong
 * @param level the level of the intervals, such as 0.95
 * @param scores the scores, in the metric's order
 */
public record Scores(
        String task,
        String signature,
        long examples,
        long units,
        long missing,
        long invalid,
        double level,
        List<Score> scores) {
    public Scores {
        scores = List.copyOf(scores);
    }

    /**
     * One score, from 0 to 100.
     *
     * @param low lower end of the bootstrap interval
     * @param high upper end
     * @param standardError standard deviation of the resampled scores
     */
    public record Score(String name, double value, double low, double high, double standardError) {}

    /**
     * Scores {@code answers}.
     *
     * @throws IllegalArgumentException if there are no answers
     */
    public static Scores of(String task, Metric metric, List<Answer> answers, Bootstrap bootstrap) {
        if (answers.isEmpty()) {
            throw new IllegalArgumentException("task " + task + " has no answers to score");
        }
        Map<String, List<Answer>> units = units(answers);
        long missing = 0;
        long invalid = 0;
        for (Answer answer : answers) {
            if (answer.prediction().isEmpty()) {
                missing++;
            } else if (!metric.valid(answer)) {
                invalid++;
            }
        }
        double[][] statistics = statistics(metric, units.values());
        Bootstrap.Interval[] intervals = bootstrap.intervals(metric, statistics);
        double[] values = metric.scores(statistics);
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            Bootstrap.Interval interval = intervals[i];
            scores.add(new Score(
                    metric.names().get(i), values[i], interval.low(), interval.high(), interval.standardError()));
        }
        return new Scores(
                task,
                metric.signature(references(answers)),
                answers.size(),
                units.size(),
                missing,
                invalid,
                bootstrap.level(),
                scores);
    }

    /** The number of references that every answer has, or 0 where it varies. */
    private static int references(List<Answer> answers) {
        int references = answers.get(0).references().size();
        for (Answer answer : answers) {
            if (answer.references().size() != references) {
                return 0;
            }
        }
        return references;
    }

    /**
     * The statistics of units.
     *
     * @return [units][width]
     */
    static double[][] statistics(Metric metric, Collection<List<Answer>> units) {
        double[][] statistics = new double[units.size()][metric.width()];
        int row = 0;
        for (List<Answer> unit : units) {
            metric.accumulate(unit, statistics[row++]);
        }
        return statistics;
    }

    /** Answers by their groups, in the order in which groups come. */
    static Map<String, List<Answer>> units(List<Answer> answers) {
        Map<String, List<Answer>> units = new LinkedHashMap<>();
        for (Answer answer : answers) {
            units.computeIfAbsent(answer.group(), group -> new ArrayList<>(1)).add(answer);
        }
        return units;
    }

    /** The score called {@code name}. */
    public Score score(String name) {
        for (Score score : scores) {
            if (score.name().equals(name)) {
                return score;
            }
        }
        throw new IllegalArgumentException("task " + task + " has no score \"" + name + "\"");
    }

    /** The mean of the task's scores: how a benchmark such as SuperGLUE counts a task of two. */
    public double mean() {
        double sum = 0;
        for (Score score : scores) {
            sum += score.value();
        }
        return sum / scores.size();
    }

    /** The task's part of {@code metrics.json}. */
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("task", task);
        if (!signature.isEmpty()) {
            json.put("signature", signature);
        }
        json.put("examples", examples)
                .put("units", units)
                .put("missing", missing)
                .put("invalid", invalid);
        json.put("interval-level", level);
        ObjectNode named = json.putObject("scores");
        for (Score score : scores) {
            named.putObject(score.name())
                    .put("value", score.value())
                    .put("low", score.low())
                    .put("high", score.high())
                    .put("standard-error", score.standardError());
        }
        return json;
    }
}
