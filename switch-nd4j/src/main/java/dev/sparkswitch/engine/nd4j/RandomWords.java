package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.base.Philox;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The words of {@link Philox}, many blocks at a time. Dropout asks for half a word an element of every activation, which
 * costs as much as the products of a small model if the words come one after the other.
 */
final class RandomWords {
    private static final VectorSpecies<Long> BLOCKS = LongVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> WORDS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    /** Half as many words as there are lanes for them: two elements each. */
    private static final VectorSpecies<Integer> PAIRS =
            VectorSpecies.of(int.class, VectorShape.forBitSize(WORDS.vectorBitSize() / 2));

    private static final int LANES = BLOCKS.length();
    /** What turns the order of unsigned numbers of 16 bits into that of signed ones. */
    private static final int SIGN = 0x8000;

    private static final int SIGNS = 0x8000_8000;

    /** Processors with narrower vectors lack the product of 64-bit lanes, and Java makes up for it slowly. */
    private static final boolean WIDE = LANES >= 8;

    private static final long LOW = 0xFFFFFFFFL;
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private static final LongVector COUNT = LongVector.zero(BLOCKS).addIndex(1);
    private static final VectorShuffle<Long> FIRST_HALF = turns(0);
    private static final VectorShuffle<Long> SECOND_HALF = turns(LANES / 2);

    private RandomWords() {}

    /** Lane i of one vector, lane i of another, from lane {@code from} on; exceptional indices stand for the other. */
    private static VectorShuffle<Long> turns(int from) {
        int[] lanes = new int[LANES];
        for (int i = 0; i < LANES; i++) {
            lanes[i] = from + i / 2 - (i % 2 == 0 ? 0 : LANES);
        }
        return VectorShuffle.fromArray(BLOCKS, lanes, 0);
    }

    /** The words of elements {@code first} to {@code first + n - 1}; there may be more behind them. */
    static int[] of(Philox source, long first, int n) {
        int skipped = (int) (first & 3);
        int blocks = (skipped + n + 3) >>> 2;
        int[] words = new int[4 * blocks];
        int done = 0;
        if (WIDE) {
            for (; done <= blocks - LANES; done += LANES) {
                wide(source, (first >>> 2) + done, words, 4 * done);
            }
        }
        if (done < blocks) {
            int[] rest = new int[4 * (blocks - done)];
            source.blocks((first >>> 2) + done, blocks - done, rest);
            System.arraycopy(rest, 0, words, 4 * done, rest.length);
        }
        return skipped == 0 ? words : Arrays.copyOfRange(words, skipped, words.length);
    }

    /** One block a lane; words are held as unsigned numbers in lanes of 64 bits. */
    private static void wide(Philox source, long first, int[] words, int at) {
        LongVector blocks = COUNT.add(first);
        LongVector c0 = blocks.and(LOW);
        LongVector c1 = blocks.lanewise(VectorOperators.LSHR, Integer.SIZE);
        LongVector c2 = LongVector.broadcast(BLOCKS, source.step() & LOW);
        LongVector c3 = LongVector.broadcast(BLOCKS, source.streamAndLayer() & LOW);
        int key0 = (int) source.seed();
        int key1 = (int) (source.seed() >>> Integer.SIZE);
        for (int round = 0; round < ROUNDS; round++) {
            LongVector product0 = c0.mul(MULTIPLIER_0);
            LongVector product1 = c2.mul(MULTIPLIER_1);
            c0 = product1.lanewise(VectorOperators.LSHR, Integer.SIZE)
                    .lanewise(VectorOperators.XOR, c1)
                    .lanewise(VectorOperators.XOR, key0 & LOW);
            c1 = product1.and(LOW);
            c2 = product0.lanewise(VectorOperators.LSHR, Integer.SIZE)
                    .lanewise(VectorOperators.XOR, c3)
                    .lanewise(VectorOperators.XOR, key1 & LOW);
            c3 = product0.and(LOW);
            key0 += WEYL_0;
            key1 += WEYL_1;
        }
        LongVector low = c1.lanewise(VectorOperators.LSHL, Integer.SIZE).or(c0);
        LongVector high = c3.lanewise(VectorOperators.LSHL, Integer.SIZE).or(c2);
        low.rearrange(FIRST_HALF, high).reinterpretAsInts().intoArray(words, at);
        low.rearrange(SECOND_HALF, high).reinterpretAsInts().intoArray(words, at + 2 * LANES);
    }

    /**
     * Zeroes the elements whose 16 bits, as an unsigned number, lie below {@code threshold}. Element i has those of half
     * {@code skipped + i} of the words, low halves before high ones.
     *
     * @param skipped 0 or 1
     * @param threshold of 0 to 65535
     */
    static void zeroBelow(int[] words, int skipped, int threshold, float[] a, int n) {
        int i = 0;
        if (skipped == 0) {
            int least = (short) (threshold ^ SIGN);
            for (; i <= n - FLOATS.length(); i += FLOATS.length()) {
                // Signed numbers of 16 bits, one a lane of 32, in the order of the unsigned ones
                VectorMask<Integer> kept = ((IntVector) IntVector.fromArray(PAIRS, words, i / 2)
                                .lanewise(VectorOperators.XOR, SIGNS)
                                .reinterpretAsShorts()
                                .convertShape(VectorOperators.S2I, WORDS, 0))
                        .compare(VectorOperators.GE, least);
                FloatVector.zero(FLOATS)
                        .blend(FloatVector.fromArray(FLOATS, a, i), kept.cast(FLOATS))
                        .intoArray(a, i);
            }
        }
        for (; i < n; i++) {
            a[i] = half(words, skipped + i) >= threshold ? a[i] : 0;
        }
    }

    /** {@link #zeroBelow(int[], int, int, float[], int)} in float64. */
    static void zeroBelow(int[] words, int skipped, int threshold, double[] a, int n) {
        for (int i = 0; i < n; i++) {
            a[i] = half(words, skipped + i) >= threshold ? a[i] : 0;
        }
    }

    private static int half(int[] words, int number) {
        return words[number >>> 1] >>> (number & 1) * Short.SIZE & 0xFFFF;
    }
}
