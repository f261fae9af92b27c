package dev.sparkswitch.eval.metric;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Mean ROUGE F-measures over examples; of several references the one with the best F-measure counts, variant by variant.
 * T5's summarisation metric is {@link #t5()}.
 */
public final class RougeMetric implements SumMetric {
    /** What happens to a text before it is scored. */
    public enum Preparation {
        NONE,
        /** A line break after each period standing alone, on both sides, as T5 does. */
        LINES_AT_PERIODS
    }

    private final List<Rouge.Type> types;
    private final Rouge.Stemming stemming;
    private final Preparation preparation;

    public RougeMetric(Set<Rouge.Type> types, Rouge.Stemming stemming, Preparation preparation) {
        this.types = List.copyOf(EnumSet.copyOf(types));
        this.stemming = stemming;
        this.preparation = preparation;
    }

    /** rouge1, rouge2 and rougeLsum without stemming, line breaks at periods: what the T5 and Switch papers report. */
    public static RougeMetric t5() {
        return new RougeMetric(
                EnumSet.of(Rouge.Type.ROUGE_1, Rouge.Type.ROUGE_2, Rouge.Type.ROUGE_L_SUM),
                Rouge.Stemming.NONE,
                Preparation.LINES_AT_PERIODS);
    }

    @Override
    public List<String> names() {
        return types.stream().map(Rouge.Type::label).toList();
    }

    /** Count, then the sums of precision, recall and F-measure of each variant. */
    @Override
    public int width() {
        return 1 + 3 * types.size();
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        for (Answer answer : unit) {
            sums[0]++;
            String prediction = prepare(answer.predictionOrEmpty());
            for (int i = 0; i < types.size(); i++) {
                Rouge.Score best = null;
                for (String reference : answer.references()) {
                    Rouge.Score score = Rouge.score(types.get(i), stemming, prepare(reference), prediction);
                    best = best == null || score.fMeasure() > best.fMeasure() ? score : best;
                }
                sums[1 + 3 * i] += best.precision();
                sums[2 + 3 * i] += best.recall();
                sums[3 + 3 * i] += best.fMeasure();
            }
        }
    }

    @Override
    public double[] scores(double[] sums) {
        double[] scores = new double[types.size()];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = mean(sums, i).fMeasure() * 100;
        }
        return scores;
    }

    /** Mean precision, recall and F-measure of the variant at {@code index} of {@link #names}, from 0 to 1. */
    public Rouge.Score mean(double[] sums, int index) {
        double count = Math.max(1, sums[0]);
        return new Rouge.Score(sums[1 + 3 * index] / count, sums[2 + 3 * index] / count, sums[3 + 3 * index] / count);
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        double[] sums = new double[width()];
        accumulate(List.of(answer), sums);
        double[] scores = scores(sums);
        SortedMap<String, Double> named = new TreeMap<>();
        for (int i = 0; i < scores.length; i++) {
            named.put(types.get(i).label(), scores[i]);
        }
        return named;
    }

    @Override
    public String signature(int references) {
        return "stemmer:" + (stemming == Rouge.Stemming.PORTER ? "porter-nltk" : "no") + "|lines:"
                + (preparation == Preparation.LINES_AT_PERIODS ? "at-periods" : "as-given") + "|aggregate:mean";
    }

    private String prepare(String text) {
        return preparation == Preparation.LINES_AT_PERIODS ? Rouge.linesAtPeriods(text) : text;
    }
}
