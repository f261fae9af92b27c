package dev.sparkswitch.eval.metric;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Several metrics of the same answers. */
public final class CombinedMetric implements SumMetric {
    private final List<SumMetric> parts;

    /** The scores of {@code parts}, in their order. */
    public CombinedMetric(List<? extends SumMetric> parts) {
        this.parts = List.copyOf(parts);
    }

    @Override
    public List<String> names() {
        List<String> names = new ArrayList<>();
        parts.forEach(part -> names.addAll(part.names()));
        return names;
    }

    @Override
    public int width() {
        int width = 0;
        for (Metric part : parts) {
            width += part.width();
        }
        return width;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] statistics) {
        int from = 0;
        for (Metric part : parts) {
            double[] own = new double[part.width()];
            part.accumulate(unit, own);
            for (double value : own) {
                statistics[from++] += value;
            }
        }
    }

    @Override
    public double[] scores(double[] sums) {
        double[] scores = new double[names().size()];
        int from = 0;
        int place = 0;
        for (SumMetric part : parts) {
            for (double score : part.scores(Arrays.copyOfRange(sums, from, from + part.width()))) {
                scores[place++] = score;
            }
            from += part.width();
        }
        return scores;
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        SortedMap<String, Double> scores = new TreeMap<>();
        parts.forEach(part -> scores.putAll(part.example(answer)));
        return scores;
    }

    @Override
    public boolean valid(Answer answer) {
        return parts.stream().allMatch(part -> part.valid(answer));
    }

    @Override
    public String signature(int references) {
        return String.join(
                " ",
                parts.stream()
                        .filter(part -> !part.signature(references).isEmpty())
                        .map(part -> String.join(",", part.names()) + "|" + part.signature(references))
                        .toList());
    }
}
