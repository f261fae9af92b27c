package dev.sparkswitch.corpus;

import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** One step of cleaning: keeps a document, changes it, or drops it; counts what it does. */
sealed interface Rule extends Serializable
        permits C4Lines,
                ContaminationRule,
                FineWebQualityRule,
                GopherQualityRule,
                GopherRepetitionRule,
                LanguageRule,
                LengthRule,
                MarkupRule,
                PersonalDataRule,
                SentenceRule {
    /**
     * @param text its text
     * @param language ISO 639-3, empty if it was not identified
     */
    record Document(String text, String language) {
        Document withText(String other) {
            return new Document(other, language);
        }
    }

    /** What it is called where its time is told. */
    default String name() {
        String type = getClass().getSimpleName();
        return type.replaceAll("Rule$", "")
                .replaceAll("([a-z0-9])([A-Z])", "$1-$2")
                .toLowerCase(Locale.ROOT);
    }

    /** Everything that this rule may count; those of dropped documents begin with {@code dropped-}. */
    List<String> counters();

    /** The document as it goes on, or nothing if it is dropped. */
    Optional<Document> apply(Document document, Tally tally);
}
