package dev.sparkswitch.base;

/**
 * Philox 4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 *
 * <p>A value depends on nothing but its coordinates (seed, stream, step, layer, element), so every engine, world size and
 * recomputation sees the same one and nothing is stored. The key is the seed; the counter's words are, from the lowest:
 * the element's block (low 32 bits, high 32 bits), the step, and {@code stream << 16 | layer}. A block holds four 32-bit
 * words: element {@code e} is word {@code e & 3} of block {@code e >>> 2}.
 */
public final class Philox {
    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private final int key0;
    private final int key1;
    private final int step;
    private final int streamAndLayer;

    /**
     * One sequence of random words.
     *
     * @param seed the run's seed
     * @param stream what the numbers are for, below 65,536
     * @param step the training step (or bucket, or any 32-bit coordinate)
     * @param layer the layer (or any coordinate below 65,536)
     */
    public Philox(long seed, int stream, int step, int layer) {
        if ((stream & 0xFFFF) != stream || (layer & 0xFFFF) != layer) {
            throw new IllegalArgumentException("stream " + stream + " and layer " + layer + " must lie in 0..65535");
        }
        this.key0 = (int) seed;
        this.key1 = (int) (seed >>> 32);
        this.step = step;
        this.streamAndLayer = stream << 16 | layer;
    }

    /** The key, for generators elsewhere that continue this sequence. */
    public long seed() {
        return (long) key1 << 32 | key0 & 0xFFFFFFFFL;
    }

    /** The key words of all rounds, two each, for generators elsewhere that continue this sequence. */
    public int[] roundKeys() {
        int[] keys = new int[2 * ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            keys[2 * round] = key0 + round * WEYL_0;
            keys[2 * round + 1] = key1 + round * WEYL_1;
        }
        return keys;
    }

    /** The counter's third word. */
    public int step() {
        return step;
    }

    /** The counter's highest word. */
    public int streamAndLayer() {
        return streamAndLayer;
    }

    /** The 32 random bits of {@code element}. */
    public int bits(long element) {
        int[] words = new int[4];
        block(element >>> 2, words);
        return words[(int) (element & 3)];
    }

    /** A float64 in [0, 1) made of the 32 bits of {@code element}. */
    public double uniform(long element) {
        return (bits(element) & 0xFFFFFFFFL) * 0x1p-32;
    }

    /** Writes the four words of elements {@code 4 * block .. 4 * block + 3} to {@code words}. */
    public void block(long block, int[] words) {
        blocks(block, 1, words);
    }

    /** Writes the words of {@code count} consecutive blocks to {@code words}, four each. */
    public void blocks(long first, int count, int[] words) {
        for (int i = 0; i < count; i++) {
            long block = first + i;
            fill((int) block, (int) (block >>> 32), step, streamAndLayer, key0, key1, words, 4 * i);
        }
    }

    /** The bare function: four counter words and two key words to four random words. */
    static void fill(int c0, int c1, int c2, int c3, int k0, int k1, int[] words, int at) {
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = (MULTIPLIER_0 & 0xFFFFFFFFL) * (c0 & 0xFFFFFFFFL);
            long product1 = (MULTIPLIER_1 & 0xFFFFFFFFL) * (c2 & 0xFFFFFFFFL);
            c0 = (int) (product1 >>> 32) ^ c1 ^ k0;
            c1 = (int) product1;
            c2 = (int) (product0 >>> 32) ^ c3 ^ k1;
            c3 = (int) product0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        words[at] = c0;
        words[at + 1] = c1;
        words[at + 2] = c2;
        words[at + 3] = c3;
    }
}
