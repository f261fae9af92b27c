package dev.sparkswitch.corpus;

import dev.sparkswitch.base.RandomStream;

/**
 * What chance decides about an example besides its corruption: a function of the seed and its place alone.
 *
 * @param key its place in the shuffle: examples are written in order of it
 * @param share below the broken part of a number of passes, the example takes part in the last of them; in [0, 1)
 * @param heldOut below the share that is held out of a task, the example is; in [0, 1)
 */
record Lot(long key, double share, double heldOut) {
    /** A pass that no text is gone through: its lots decide what belongs to a sample. */
    private static final int SAMPLING = 0xFFFF;

    static Lot of(long seed, Objective.Place place) {
        int[] words = new int[4];
        RandomStream.SHUFFLE.at(seed, place.bucket(), place.pass()).block(place.example(), words);
        return new Lot((long) words[0] << 32 | words[1] & 0xFFFFFFFFL, uniform(words[2]), uniform(words[3]));
    }

    /** Whether an example belongs to a sample of {@code size}, a share of all. */
    static boolean sampled(long seed, int bucket, long example, double size) {
        return size >= 1 || of(seed, new Objective.Place(bucket, example, SAMPLING)).share < size;
    }

    private static double uniform(int word) {
        return (word & 0xFFFFFFFFL) * 0x1p-32;
    }
}
