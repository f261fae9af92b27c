package dev.sparkswitch.corpus.overlap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BandKeysTest {
    private static final Banding WORDS_ALONE = new Banding(1, 14, 8);

    /** Words that no other pair of arguments gives. */
    private static String words(long salt, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(word -> "w" + Long.toHexString(salt) + "x" + word)
                .collect(Collectors.joining(" "));
    }

    /** The standard error of 1,024 hashes is at most 0.016; six of them happen once in a billion. */
    @Property(tries = 60)
    void theEstimateIsNearTheJaccardSimilarity(
            @ForAll long salt,
            @ForAll @IntRange(min = 1, max = 200) int shared,
            @ForAll @IntRange(max = 200) int others) {
        String one = words(salt, 0, shared + others / 2);
        String other = words(salt, 0, shared) + " " + words(salt, shared + others / 2, shared + others);
        double expected = (double) shared / (shared + others);
        BandKeys keys = new BandKeys(new Banding(1, 128, 8));
        assertThat(keys.similarity(one, other)).isEqualTo(expected);
        assertThat(keys.estimate(one, other)).isCloseTo(expected, within(0.1));
    }

    @Test
    void similarityIsThatOfTheSetsOfShingles() {
        String one = "a rose is a rose is a rose is a rose";
        String other = "is a rose is a daffodil";
        Set<List<String>> first = shingles(one);
        Set<List<String>> second = shingles(other);
        Set<List<String>> shared = new HashSet<>(first);
        shared.retainAll(second);
        Set<List<String>> all = new HashSet<>(first);
        all.addAll(second);
        BandKeys keys = new BandKeys(new Banding(3, 14, 8));
        assertThat(keys.similarity(one, other)).isEqualTo((double) shared.size() / all.size());
        assertThat(keys.similarity("", "")).isZero();
    }

    private static Set<List<String>> shingles(String text) {
        List<String> words = List.of(text.split(" "));
        return IntStream.rangeClosed(0, words.size() - 3)
                .mapToObj(at -> words.subList(at, at + 3))
                .collect(Collectors.toSet());
    }

    /** 4,000 pairs at each similarity: a standard error of 0.008 at most. SuperMinHash's hashes are not quite independent. */
    @Test
    void bandsAreSharedAsOftenAsTheCurveSays() {
        BandKeys keys = new BandKeys(WORDS_ALONE);
        Random salts = new Random(20);
        for (int shared : new int[] {20, 26, 29, 32, 36}) {
            int found = 0;
            for (int pair = 0; pair < 4000; pair++) {
                long salt = salts.nextLong();
                int half = shared + (40 - shared) / 2;
                long[] one = keys.of(words(salt, 0, half));
                long[] other = keys.of(words(salt, 0, shared) + " " + words(salt, half, 40));
                found += sharesBand(one, other) ? 1 : 0;
            }
            assertThat(found / 4000.0)
                    .as("similarity %s of 40", shared)
                    .isCloseTo(1 - Math.pow(1 - Math.pow(shared / 40.0, 8), 14), within(0.04));
            assertThat(WORDS_ALONE.probability(shared / 40.0))
                    .isCloseTo(1 - Math.pow(1 - Math.pow(shared / 40.0, 8), 14), within(1e-12));
        }
        assertThat(WORDS_ALONE.threshold()).isCloseTo(0.719, within(5e-4));
    }

    private static boolean sharesBand(long[] one, long[] other) {
        for (int band = 0; band < one.length; band++) {
            if (one[band] == other[band]) {
                return true;
            }
        }
        return false;
    }

    @Test
    void aTextShorterThanAShingleIsOneShingle() {
        BandKeys keys = new BandKeys(new Banding(5, 4, 2));
        assertThat(keys.of("Too short."))
                .isEqualTo(keys.of("too SHORT"))
                .hasSize(4)
                .doesNotHaveDuplicates();
        assertThat(keys.of("too long")).isNotEqualTo(keys.of("too short"));
        assertThat(keys.of(" -- ")).isEmpty();
    }

    @Test
    void bandsAndRowsAreNotMixedUp() {
        assertThat(new BandKeys(new Banding(5, 14, 8)).of("some words that are more than five"))
                .hasSize(14);
        // Many bands of one row find texts that are hardly alike; one band of many rows finds equal ones alone.
        assertThat(new Banding(5, 112, 1).probability(0.1)).isGreaterThan(0.99);
        assertThat(new Banding(5, 1, 112).probability(0.9)).isLessThan(1e-4);
    }
}
