package dev.sparkswitch.eval.report;

/** A paragraph of plain text. */
public record Prose(String text) implements Block {
    @Override
    public void render(StringBuilder html) {
        html.append("<p class=\"prose\">").append(Html.escape(text)).append("</p>\n");
    }
}
