package dev.sparkswitch.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.Philox;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class RandomWordsTest {
    @Property(tries = 200)
    void wordsAreThoseOfTheGenerator(
            @ForAll long seed,
            @ForAll int step,
            @ForAll @LongRange(min = 0) long first,
            @ForAll @IntRange(min = 1, max = 200) int n) {
        Philox source = new Philox(seed, 40_000, step, 65_535);
        int[] words = RandomWords.of(source, first, n);
        for (int i = 0; i < n; i++) {
            assertThat(words[i]).as("element %d", first + i).isEqualTo(source.bits(first + i));
        }
    }

    @Property(tries = 200)
    void elementsBelowTheThresholdBecomeZero(
            @ForAll @IntRange(min = 0, max = 65_535) int threshold,
            @ForAll @IntRange(min = 0, max = 1) int skipped,
            @ForAll @IntRange(min = 1, max = 100) int n) {
        int[] words = RandomWords.of(new Philox(n, 1, 2, 3), 0, n + 1);
        words[0] = threshold << 16 | threshold;
        float[] floats = new float[n];
        double[] doubles = new double[n];
        for (int i = 0; i < n; i++) {
            floats[i] = i + 1;
            doubles[i] = i + 1;
        }
        RandomWords.zeroBelow(words, skipped, threshold, floats, n);
        RandomWords.zeroBelow(words, skipped, threshold, doubles, n);
        for (int i = 0; i < n; i++) {
            long word = Integer.toUnsignedLong(words[(skipped + i) / 2]);
            long bits = (skipped + i) % 2 == 0 ? word % 65_536 : word / 65_536;
            double wanted = bits >= threshold ? i + 1 : 0;
            assertThat(floats[i]).isEqualTo((float) wanted);
            assertThat(doubles[i]).isEqualTo(wanted);
        }
    }
}
