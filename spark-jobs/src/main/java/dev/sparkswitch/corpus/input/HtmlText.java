package dev.sparkswitch.corpus.input;

import java.util.Set;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeFilter;

/** The text that a page shows: a line a block, without what every page of a site repeats around it. */
final class HtmlText {
    private static final Set<String> UNSEEN = Set.of(
            "script",
            "style",
            "noscript",
            "template",
            "svg",
            "math",
            "iframe",
            "object",
            "head",
            "nav",
            "footer",
            "aside",
            "form",
            "button",
            "select",
            "option",
            "textarea");

    private HtmlText() {}

    static String of(Document page) {
        StringBuilder text = new StringBuilder();
        page.body().filter(new NodeFilter() {
            @Override
            public FilterResult head(Node node, int depth) {
                if (node instanceof TextNode piece) {
                    append(text, piece.getWholeText());
                } else if (node instanceof Element element) {
                    if (UNSEEN.contains(element.normalName())) {
                        return FilterResult.SKIP_ENTIRELY;
                    }
                    if (element.isBlock() || element.normalName().equals("br")) {
                        newLine(text);
                    }
                }
                return FilterResult.CONTINUE;
            }

            @Override
            public FilterResult tail(Node node, int depth) {
                if (node instanceof Element element && element.isBlock()) {
                    newLine(text);
                }
                return FilterResult.CONTINUE;
            }
        });
        return text.toString().strip();
    }

    /** Appends with one blank for any white space. */
    private static void append(StringBuilder text, String piece) {
        for (int i = 0; i < piece.length(); i++) {
            char c = piece.charAt(i);
            if (!Character.isWhitespace(c) && c != '\u00A0') {
                text.append(c);
            } else if (!text.isEmpty() && !Character.isWhitespace(text.charAt(text.length() - 1))) {
                text.append(' ');
            }
        }
    }

    private static void newLine(StringBuilder text) {
        int length = text.length();
        if (length > 0 && text.charAt(length - 1) == ' ') {
            text.setLength(length - 1);
        }
        if (!text.isEmpty() && text.charAt(text.length() - 1) != '\n') {
            text.append('\n');
        }
    }
}
