package dev.sparkswitch.eval.metric;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Accuracy of WSC in T5's generative form (T5's {@code wsc_simple}): the model writes the noun that the pronoun stands
 * for; whether that noun is the candidate of the example is the predicted class, compared with the gold label
 * ({@code True} or {@code False}). The candidate is the only reference.
 */
public final class WscMetric implements SumMetric {
    private static final Set<String> DETERMINERS = Set.of(
            "a", "an", "few", "her", "his", "each", "every", "many", "much", "my", "our", "some", "that", "the",
            "their", "these", "this", "those", "which", "whose", "your");

    /** What a prediction says about the candidate. */
    public enum Verdict {
        SAME,
        OTHER,
        /** Nothing is left of the prediction, which is wrong whatever the label. */
        EMPTY
    }

    @Override
    public List<String> names() {
        return List.of("accuracy");
    }

    @Override
    public int width() {
        return 2;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        for (Answer answer : unit) {
            sums[0]++;
            sums[1] += right(answer) ? 1 : 0;
        }
    }

    @Override
    public double[] scores(double[] sums) {
        return new double[] {100 * sums[1] / Math.max(1, sums[0])};
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put("accuracy", right(answer) ? 100.0 : 0.0);
        return scores;
    }

    @Override
    public boolean valid(Answer answer) {
        return answer.prediction().isPresent()
                && !clean(answer.prediction().get()).isEmpty();
    }

    private static boolean right(Answer answer) {
        Verdict verdict =
                verdict(answer.predictionOrEmpty(), answer.references().get(0));
        return switch (verdict) {
            case SAME -> answer.label().equals("True");
            case OTHER -> answer.label().equals("False");
            case EMPTY -> false;
        };
    }

    /** Whether {@code prediction} names {@code candidate}: one's words contain the other's, and both or none hold a {@code '}. */
    public static Verdict verdict(String prediction, String candidate) {
        String given = clean(prediction);
        if (given.isEmpty()) {
            return Verdict.EMPTY;
        }
        String wanted = clean(candidate);
        if (given.contains("'") != wanted.contains("'")) {
            return Verdict.OTHER;
        }
        Set<String> givenWords = new HashSet<>(Arrays.asList(given.split(" ", -1)));
        Set<String> wantedWords = new HashSet<>(Arrays.asList(wanted.split(" ", -1)));
        return givenWords.containsAll(wantedWords) || wantedWords.containsAll(givenWords)
                ? Verdict.SAME
                : Verdict.OTHER;
    }

    private static String clean(String text) {
        List<String> kept = new ArrayList<>();
        for (String word : Words.lower(Words.strip(text)).split(" ", -1)) {
            if (!DETERMINERS.contains(word)) {
                kept.add(word);
            }
        }
        return String.join(" ", kept);
    }
}
