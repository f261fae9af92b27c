package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Scores of classification by rank: the label that the model finds likeliest is its answer (T5's
 * {@code rank_classification}, unit weights). Of two classes, F1 and the areas under the curves are those of the second.
 */
public final class RankClassification {
    /**
     * One example.
     *
     * @param likelihoods the log-likelihood of each class, nats
     * @param gold the right class
     */
    public record Ranked(List<Double> likelihoods, int gold) {
        public Ranked {
            likelihoods = List.copyOf(likelihoods);
            if (gold < 0 || gold >= likelihoods.size()) {
                throw new IllegalArgumentException("class " + gold + " of " + likelihoods.size());
            }
        }

        /** The likeliest class; of equal ones the first. */
        public int answer() {
            int best = 0;
            for (int i = 1; i < likelihoods.size(); i++) {
                // Single precision as T5 has it: differences below it are no preference.
                best = likelihoods.get(i).floatValue() > likelihoods.get(best).floatValue() ? i : best;
            }
            return best;
        }
    }

    private RankClassification() {}

    /**
     * The scores, from 0 to 100: {@code accuracy}; of two classes {@code f1}, {@code auc-roc} and {@code auc-pr}, of more
     * {@code macro-f1}; accuracy alone where the number of classes varies.
     */
    public static SortedMap<String, Double> scores(List<Ranked> examples) {
        int classes = examples.get(0).likelihoods().size();
        boolean varying =
                examples.stream().anyMatch(example -> example.likelihoods().size() != classes);
        List<String> labels =
                IntStream.range(0, classes).mapToObj(Integer::toString).toList();
        LabelMetric metric = new LabelMetric(labels, LabelMetric.Averages.ACCURACY_AND_MACRO_F1);
        double[] sums = new double[metric.width()];
        double right = 0;
        for (Ranked example : examples) {
            String gold = Integer.toString(example.gold());
            metric.accumulate(List.of(Answer.label(gold, gold, Integer.toString(example.answer()))), sums);
            right += example.gold() == example.answer() ? 1 : 0;
        }
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put("accuracy", 100 * right / examples.size());
        if (varying) {
            return scores;
        }
        if (classes > 2) {
            scores.put("macro-f1", metric.scores(sums)[1]);
        } else if (classes == 2) {
            double[] gold = examples.stream().mapToDouble(Ranked::gold).toArray();
            double[] second =
                    examples.stream().mapToDouble(RankClassification::second).toArray();
            scores.put("f1", metric.classF1(sums)[1]);
            scores.put("auc-roc", 100 * Curves.roc(gold, second));
            scores.put("auc-pr", 100 * Curves.precisionRecall(gold, second));
        }
        return scores;
    }

    /** The probability of the second of two classes, in single precision. */
    private static double second(Ranked example) {
        float first = example.likelihoods().get(0).floatValue();
        float second = example.likelihoods().get(1).floatValue();
        return (float) (1 / (1 + Math.exp(first - second)));
    }
}
