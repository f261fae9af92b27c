package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Philox;

/** Consecutive numbers of a random sequence, a block of four at a time. */
final class Draws {
    private final Philox philox;
    private final int[] words = new int[4];
    private long element;

    /** @param first the element to begin with, a multiple of 4 */
    Draws(Philox philox, long first) {
        this.philox = philox;
        this.element = first;
    }

    /** Goes on at {@code first}, a multiple of 4. */
    void moveTo(long first) {
        element = first;
    }

    /** The next number, in [0, 1). */
    double next() {
        int place = (int) (element & 3);
        if (place == 0) {
            philox.block(element >>> 2, words);
        }
        element++;
        return (words[place] & 0xFFFFFFFFL) * 0x1p-32;
    }
}
