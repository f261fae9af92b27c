package dev.sparkswitch.eval.report;

import java.util.List;

/** Pieces of text to be looked at, each with what befell it and where it is from. */
public record Samples(List<Entry> entries) implements Block {
    private static final int LONGEST = 420;

    public Samples {
        entries = List.copyOf(entries);
    }

    /**
     * One text.
     *
     * @param label what befell it, such as the rule that dropped it
     * @param origin where it is from; may be empty
     * @param text its beginning at least; what is too long to be read here is cut
     */
    public record Entry(String label, String origin, String text) {}

    @Override
    public void render(StringBuilder html) {
        html.append("<ol class=\"samples\">\n");
        for (Entry entry : entries) {
            html.append("<li><p class=\"origin\"><span class=\"task\">")
                    .append(Html.escape(entry.label()))
                    .append("</span> ")
                    .append(Html.escape(entry.origin()))
                    .append("</p><p class=\"text\">")
                    .append(Html.escape(shorten(entry.text())))
                    .append("</p></li>\n");
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
