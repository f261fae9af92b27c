package dev.sparkswitch.eval.metric;

import dev.sparkswitch.base.UserException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/** Metrics by the names that configurations give them. */
public final class Metrics {
    /** The names, those of labels first. */
    public static final List<String> NAMES = List.of(
            "accuracy",
            "macro-f1",
            "matthews",
            "squad",
            "trivia-qa",
            "sequence",
            "rouge",
            "rouge-stemmed",
            "bleu",
            "bleu-intl",
            "chrf",
            "chrf++",
            "correlation",
            "curves");

    private Metrics() {}

    /**
     * The metric that computes all of {@code names}.
     *
     * @param labels the closed set of answers, empty for free text
     * @throws UserException where a name is none, needs labels that are not there, or cannot stand beside others
     */
    public static Metric of(List<String> names, List<String> labels) {
        if (names.isEmpty()) {
            throw new UserException("a task needs a metric; name one of " + String.join(", ", NAMES));
        }
        List<Metric> all = new ArrayList<>();
        for (String name : names) {
            all.add(named(name, labels));
        }
        if (all.size() == 1) {
            return all.get(0);
        }
        List<SumMetric> sums = new ArrayList<>();
        for (Metric metric : all) {
            if (!(metric instanceof SumMetric sum)) {
                throw new UserException("the metric " + names.get(all.indexOf(metric))
                        + " ranks all rows and stands alone; score it as a task of its own");
            }
            sums.add(sum);
        }
        return new CombinedMetric(sums);
    }

    private static Metric named(String name, List<String> labels) {
        if (NAMES.indexOf(name) >= 0 && NAMES.indexOf(name) <= NAMES.indexOf("matthews") && labels.isEmpty()) {
            throw new UserException("the metric " + name + " counts labels; give the task its labels");
        }
        return switch (name) {
            case "accuracy" -> new LabelMetric(labels, LabelMetric.Averages.ACCURACY);
            case "macro-f1" -> new LabelMetric(labels, LabelMetric.Averages.ACCURACY_AND_MACRO_F1);
            case "matthews" -> new MatthewsMetric(labels);
            case "squad" -> new SquadMetric();
            case "trivia-qa" -> new SquadMetric(AnswerForm.TRIVIA_QA);
            case "sequence" -> new SequenceMetric();
            case "rouge" -> RougeMetric.t5();
            case "rouge-stemmed" ->
                new RougeMetric(EnumSet.allOf(Rouge.Type.class), Rouge.Stemming.PORTER, RougeMetric.Preparation.NONE);
            case "bleu" -> BleuMetric.standard();
            case "bleu-intl" ->
                new BleuMetric(BleuTokenizer.INTERNATIONAL, BleuMetric.Smoothing.EXPONENTIAL, BleuMetric.Case.MIXED);
            case "chrf" -> ChrfMetric.standard();
            case "chrf++" -> ChrfMetric.withWords();
            case "correlation" -> new NumberMetric(NumberMetric.Kind.CORRELATION);
            case "curves" -> new NumberMetric(NumberMetric.Kind.CURVES);
            default ->
                throw new UserException(
                        "there is no metric \"" + name + "\"; the metrics are " + String.join(", ", NAMES));
        };
    }
}
