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
        for (String line : document.text().split("\n", -1)) {
            tally.count(LINES);
            sentences += C4Lines.sentences(line, least - sentences);
        }
        if (sentences < least) {
            tally.count("dropped-toofewsentences-after-line-dedup");
            return Optional.empty();
        }
        return Optional.of(document);
    }
}
