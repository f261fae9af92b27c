package dev.sparkswitch.corpus;

import java.util.List;
import java.util.Optional;

/** Drops documents that are too short or too long, in characters. */
record LengthRule(int least, int most) implements Rule {
    @Override
    public List<String> counters() {
        return List.of("dropped-too-short", "dropped-too-long");
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        String text = document.text();
        int chars = text.length();
        // Characters outside the first plane are two chars; they are told apart only where that decides.
        int length = chars < 2L * least || chars > most ? text.codePointCount(0, chars) : chars;
        if (length < least) {
            tally.count("dropped-too-short");
            return Optional.empty();
        }
        if (length > most) {
            tally.count("dropped-too-long");
            return Optional.empty();
        }
        return Optional.of(document);
    }
}
