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
        int length = document.text().length();
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
