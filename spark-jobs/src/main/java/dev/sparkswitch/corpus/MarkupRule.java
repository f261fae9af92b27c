package dev.sparkswitch.corpus;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Removes tags in angle brackets and control characters, and makes one blank of several. Drops nothing. */
record MarkupRule() implements Rule {
    private static final Pattern TAG = Pattern.compile("</?[A-Za-z][^<>\\n]{0,500}>");
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}&&[^\\n\\t]]");
    private static final Pattern BLANKS = Pattern.compile("[ \\t\\u00A0]+");

    @Override
    public List<String> counters() {
        return List.of("documents-changed-by-markup");
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        String untagged = TAG.matcher(document.text()).replaceAll(" ");
        untagged = CONTROL.matcher(untagged).replaceAll(" ");
        if (!untagged.equals(document.text())) {
            tally.count("documents-changed-by-markup");
        }
        return Optional.of(
                document.withText(BLANKS.matcher(untagged).replaceAll(" ").strip()));
    }
}
