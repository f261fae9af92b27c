package dev.sparkswitch.corpus;

/**
 * A document on its way through the rules.
 *
 * @param source where it is from, as in {@link dev.sparkswitch.corpus.input.RawDocument}
 * @param position its place there
 * @param language ISO 639-3, empty if it was not identified
 * @param reason why it was dropped, empty while it is kept
 */
record PlacedDocument(String text, String url, String source, long position, String language, String reason) {
    PlacedDocument with(Rule.Document cleaned) {
        return new PlacedDocument(cleaned.text(), url, source, position, cleaned.language(), reason);
    }

    PlacedDocument withText(String other) {
        return new PlacedDocument(other, url, source, position, language, reason);
    }

    PlacedDocument dropped(String why, String found) {
        return new PlacedDocument(text, url, source, position, found.isEmpty() ? language : found, why);
    }

    /** What no other document has, whatever partition it is in. */
    long tie() {
        return Hashes.of(source + ":" + position);
    }
}
