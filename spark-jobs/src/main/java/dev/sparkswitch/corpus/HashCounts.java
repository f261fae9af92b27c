package dev.sparkswitch.corpus;

import java.util.Arrays;

/** Counts by hash, in arrays that are used again: no object a count. */
final class HashCounts {
    private static final int SMALL = 1 << 10;
    private static final int LARGE = 1 << 17;

    private long[] keys = new long[SMALL];
    private int[] counts = new int[SMALL];
    private int size;

    void clear() {
        if (keys.length > LARGE) {
            // One long text shall not make all that follow pay for its size.
            keys = new long[SMALL];
            counts = new int[SMALL];
            size = 0;
        } else if (size > 0) {
            Arrays.fill(counts, 0);
            size = 0;
        }
    }

    /** Counts {@code hash} once more; how often it was there then. */
    int add(long hash) {
        if (2 * size >= keys.length) {
            grow();
        }
        int place = place(hash);
        if (counts[place] == 0) {
            keys[place] = hash;
            size++;
        }
        return ++counts[place];
    }

    /** How often {@code hash} was there. */
    int count(long hash) {
        return counts[place(hash)];
    }

    private int place(long hash) {
        int mask = keys.length - 1;
        int place = (int) (hash >>> 17) & mask;
        while (counts[place] != 0 && keys[place] != hash) {
            place = place + 1 & mask;
        }
        return place;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldCounts = counts;
        keys = new long[2 * oldKeys.length];
        counts = new int[keys.length];
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldCounts[i] > 0) {
                int place = place(oldKeys[i]);
                keys[place] = oldKeys[i];
                counts[place] = oldCounts[i];
            }
        }
    }
}
