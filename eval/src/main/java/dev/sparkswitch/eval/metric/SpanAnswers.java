package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.regex.Pattern;

/** Answers that a model gives as places in the context, {@code start: 3 end: 6}, turned to text as T5 does. */
public final class SpanAnswers {
    private static final Pattern OUTSIDE_WORDS = Pattern.compile("[^\\p{L}\\p{N}_]");

    private SpanAnswers() {}

    /** The words of {@code context} from the start to the end, both inside; empty where the prediction names no places. */
    public static String text(String context, String prediction) {
        List<String> places = words(prediction);
        if (places.size() < 4) {
            return "";
        }
        List<String> words = words(context);
        try {
            int start = Math.min(Integer.parseInt(places.get(1)), words.size());
            int end = Math.min(Integer.parseInt(places.get(3)), words.size() - 1);
            return end < start ? "" : String.join(" ", words.subList(start, end + 1));
        } catch (NumberFormatException e) {
            // Early in training models write words where places belong; T5 counts that as an empty answer.
            return "";
        }
    }

    private static List<String> words(String text) {
        return Words.split(OUTSIDE_WORDS.matcher(text).replaceAll(" "));
    }
}
