package dev.sparkswitch.corpus;

import java.util.List;
import java.util.Optional;

/** Drops documents that have too few sentences left once lines that other documents have too were removed. */
record SentenceRule(int least) implements Rule {
    static final String LINES = "lines-unique";

    @Override
    public List<String> counters() {
        return List.of(LINES, "dropped-toofewsentences-after-line-dedup");
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        int sentences = 0;
        String text = document.text();
        for (int from = 0; from <= text.length(); ) {
            int end = text.indexOf('\n', from);
            int to = end < 0 ? text.length() : end;
            tally.count(LINES);
            if (sentences < least) {
                sentences += C4Lines.sentences(text.substring(from, to), least - sentences);
            }
            from = to + 1;
        }
        if (sentences < least) {
            tally.count("dropped-toofewsentences-after-line-dedup");
            return Optional.empty();
        }
        return Optional.of(document);
    }
}
