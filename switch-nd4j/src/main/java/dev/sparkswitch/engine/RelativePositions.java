package dev.sparkswitch.engine;

/**
 * T5's relative position buckets between query and key positions (Raffel et al. 2020, section 2.1; the boundaries are those
 * of the released code).
 *
 * <p>The bias of a pair depends on its distance alone, so it is stored by distance: {@link #distances} columns, of which
 * {@code key - query + queryLength - 1} belongs to the pair (query, key). The biases of one query then stand beside each
 * other in the order of the keys.
 *
 * @param queryStart the position of the first query; keys start at 0
 * @param queryLength query positions
 * @param keyLength key positions
 * @param buckets rows of the bias table
 * @param maxDistance the distance from which all positions share the last bucket
 * @param direction whether keys after the query have buckets of their own
 */
public record RelativePositions(
        int queryStart, int queryLength, int keyLength, int buckets, int maxDistance, Direction direction) {
    /** Whether keys on both sides of the query are told apart. */
    public enum Direction {
        /** Encoder: half of the buckets for keys after the query. */
        BOTH,
        /** Decoder: later keys share bucket 0. */
        BACKWARD
    }

    /** The number of distances between a query and a key: queryLength + keyLength - 1. */
    public int distances() {
        return queryLength + keyLength - 1;
    }

    /** The bucket of the pair (query, key), both counted from this object's first ones. */
    public int bucket(int query, int key) {
        return bucket(key - query + queryLength - 1);
    }

    /** The bucket of the pairs of one column. */
    public int bucket(int column) {
        int relative = column - (queryLength - 1) - queryStart;
        int span = buckets;
        int offset = 0;
        int distance;
        if (direction == Direction.BOTH) {
            span /= 2;
            offset = relative > 0 ? span : 0;
            distance = Math.abs(relative);
        } else {
            distance = Math.max(0, -relative);
        }
        int exact = span / 2;
        if (distance < exact) {
            return offset + distance;
        }
        // The reference computes this in float32; so do we, since borders between buckets depend on it.
        float ratio = (float) Math.log((float) distance / exact) / (float) Math.log((double) maxDistance / exact);
        int logarithmic = exact + (int) (ratio * (span - exact));
        return offset + Math.min(logarithmic, span - 1);
    }
}
