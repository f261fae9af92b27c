package dev.sparkswitch.generate;

/** What may not come next, as the logits processors of Hugging Face's transformers have it. */
final class TokenRules {
    private final int minLength;
    private final int ngram;
    private final int eosId;

    TokenRules(GenerationConfig settings, int eosId) {
        this.minLength = settings.minLength();
        this.ngram = settings.noRepeatNgram();
        this.eosId = eosId;
    }

    /**
     * Forbids tokens.
     *
     * @param written what a lane has so far, the start token first
     * @param length how many tokens of it
     */
    void apply(Scores scores, int[] written, int length) {
        if (ngram > 0) {
            // What followed the last ngram - 1 tokens where they stood before.
            for (int start = 0; start + ngram <= length; start++) {
                if (equal(written, start, length - ngram + 1, ngram - 1)) {
                    scores.forbid(written[start + ngram - 1]);
                }
            }
        }
        if (length < minLength) {
            scores.forbid(eosId);
        }
    }

    private static boolean equal(int[] tokens, int a, int b, int count) {
        for (int i = 0; i < count; i++) {
            if (tokens[a + i] != tokens[b + i]) {
                return false;
            }
        }
        return true;
    }
}
