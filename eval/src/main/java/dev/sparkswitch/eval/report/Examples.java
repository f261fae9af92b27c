package dev.sparkswitch.eval.report;

import dev.sparkswitch.eval.task.ScoredExample;
import java.util.List;

/** Answers of the model beside the gold ones, each marked right or wrong. */
public record Examples(List<Entry> entries) implements Block {
    private static final int LONGEST = 600;
    // Scores that say more of an answer than whether it is right.
    private static final List<String> MEASURES = List.of("rouge1", "f1", "chrf2", "bleu", "difference");
    // Those of texts that may well be good in other words than the gold one's.
    private static final List<String> FREE = List.of("rouge1", "chrf2", "bleu");

    public Examples {
        entries = List.copyOf(entries);
    }

    /**
     * One answer.
     *
     * @param task the task's name
     * @param input what the model read
     * @param gold the accepted answers
     * @param prediction what the model wrote; empty when it wrote nothing
     * @param verdict whether that is right
     * @param score the score where it says more than the verdict, such as {@code ROUGE-1 66.7}; may be empty
     */
    public record Entry(
            String task, String input, List<String> gold, String prediction, Verdict verdict, String score) {
        public Entry {
            gold = List.copyOf(gold);
        }

        /** An entry for a scored example of {@code task}. */
        public static Entry of(String task, ScoredExample scored) {
            String score = "";
            for (String name : MEASURES) {
                if (score.isEmpty() && scored.scores().containsKey(name)) {
                    score = Sections.label(name) + " "
                            + Numbers.decimal(scored.scores().get(name), 0);
                }
            }
            return new Entry(
                    task,
                    scored.example().input(),
                    scored.example().references().stream().distinct().limit(3).toList(),
                    scored.prediction().orElse(""),
                    Verdict.of(scored),
                    score);
        }
    }

    /** Whether an answer is right, where that can be told. */
    public enum Verdict {
        RIGHT("✓", "right"),
        WRONG("✗", "wrong"),
        /** Not the gold text word for word; how good it is its score says. */
        GRADED("≈", "graded");

        private final String sign;
        private final String word;

        Verdict(String sign, String word) {
            this.sign = sign;
            this.word = word;
        }

        private static Verdict of(ScoredExample scored) {
            if (scored.right()) {
                return RIGHT;
            }
            boolean free = FREE.stream().anyMatch(scored.scores()::containsKey);
            return free && scored.prediction().isPresent() ? GRADED : WRONG;
        }
    }

    @Override
    public void render(StringBuilder html) {
        html.append("<ol class=\"examples\">\n");
        for (Entry entry : entries) {
            Verdict verdict = entry.verdict();
            html.append("<li class=\"")
                    .append(verdict.word)
                    .append("\"><span class=\"mark\" role=\"img\" aria-label=\"");
            html.append(verdict.word).append("\">").append(verdict.sign).append("</span><div class=\"input\">");
            html.append("<span class=\"task\">")
                    .append(Html.escape(entry.task()))
                    .append("</span> ");
            html.append(Html.escape(shorten(entry.input())));
            html.append("</div><dl><div class=\"answer\"><dt>Model</dt><dd>");
            html.append(entry.prediction().isBlank() ? "<em>nothing</em>" : Html.escape(shorten(entry.prediction())));
            html.append("</dd></div><div class=\"gold\"><dt>Gold</dt><dd>");
            html.append(Html.escape(shorten(String.join(" · ", entry.gold()))));
            html.append("</dd></div>");
            if (!entry.score().isEmpty()) {
                html.append("<div class=\"score\"><dt>Score</dt><dd>").append(Html.escape(entry.score()));
                html.append("</dd></div>");
            }
            html.append("</dl></li>\n");
        }
        html.append("</ol>\n");
    }

    private static String shorten(String text) {
        if (text.codePointCount(0, text.length()) <= LONGEST) {
            return text;
        }
        return text.substring(0, text.offsetByCodePoints(0, LONGEST)) + " …";
    }
}
