package dev.sparkswitch.train;

/**
 * Which ids are text, as opposed to the sentinels of span corruption and the end of sequence.
 *
 * @param eosId the id that ends a sequence
 * @param firstSentinel the lowest sentinel; sentinels reach to {@code lastSentinel}
 * @param lastSentinel the highest sentinel
 */
public record TextTokens(int eosId, int firstSentinel, int lastSentinel) {
    /** Whether the id stands for text. */
    public boolean isText(int id) {
        return id >= 0 && id != eosId && (id < firstSentinel || id > lastSentinel);
    }
}
