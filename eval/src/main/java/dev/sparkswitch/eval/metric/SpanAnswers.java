package dev.sparkswitch.eval.metric;

import java.util.List;

/** Answers that a model gives as places in the context, {@code start: 3 end: 6}, turned to text as T5 does. */
public final class SpanAnswers {
    private SpanAnswers() {}

    /** The words of {@code context} from the start to the end, both inside; empty where the prediction names no places. */
    public static String text(String context, String prediction) {
        List<String> places = words(prediction);
        if (places.size() < 4) {
            return "";
        }
        List<String> words = words(context);
        try {
            int start = Math.min(number(places.get(1)), words.size());
            int end = Math.min(number(places.get(3)), words.size() - 1);
            return end < start ? "" : String.join(" ", words.subList(start, end + 1));
        } catch (NumberFormatException e) {
            // Early in training models write words where places belong; T5 counts that as an empty answer.
            return "";
        }
    }

    /** Digits of any script, as Python reads them. */
    private static int number(String digits) {
        StringBuilder plain = new StringBuilder();
        digits.codePoints()
                .forEach(c -> plain.append(Character.isDigit(c) ? Integer.toString(Character.digit(c, 10)) : "x"));
        return Integer.parseInt(plain.toString());
    }

    private static List<String> words(String text) {
        StringBuilder kept = new StringBuilder(text.length());
        text.codePoints().forEach(c -> kept.appendCodePoint(Words.isWord(c) ? c : ' '));
        return Words.split(kept.toString());
    }
}
