package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.corpus.Objective.Place;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class SpanCorruptionTest {
    private static final SpanCorruption T5 = new SpanCorruption(0.15, 3);
    private static final int VOCABULARY = 1000;
    private static final int EOS = 1;

    @Test
    void lengthsAreThoseOfT5() {
        assertThat(T5.lengths(128)).isEqualTo(new Objective.Lengths(141, 128, 29));
        assertThat(T5.lengths(256)).isEqualTo(new Objective.Lengths(284, 256, 58));
        assertThat(T5.lengths(512)).isEqualTo(new Objective.Lengths(568, 512, 114));
        assertThat(T5.lengths(1024)).isEqualTo(new Objective.Lengths(1137, 1024, 229));
    }

    @Property(tries = 300)
    void inputsAndTargetsTogetherHoldTheText(
            @ForAll @IntRange(min = 2, max = 600) int length,
            @ForAll long seed,
            @ForAll @IntRange(min = 0, max = 1000) int bucket,
            @ForAll @IntRange(min = 0, max = 9999) int pass,
            @ForAll @LongRange(min = 0, max = 1L << 40) long example) {
        int[] tokens = IntStream.range(100, 100 + length).toArray();
        boolean[] mask = T5.mask(length, seed, new Place(bucket, example, pass));
        assertThat(mask[0]).isFalse();
        assertThat(mask[length - 1]).isTrue();
        Objective.Example corrupted = SpanCorruption.corrupt(tokens, mask, VOCABULARY, EOS);
        assertThat(restored(corrupted)).containsExactly(tokens);
        SpanCorruption.Counts counts = T5.counts(length);
        assertThat(corrupted.inputs()).hasSize(counts.rest() + counts.spans() + 1);
        assertThat(corrupted.targets()).hasSize(counts.noise() + counts.spans() + 1);
    }

    @Test
    void shorterTextsFitWhereTheLongestDoes() {
        Objective.Lengths lengths = T5.lengths(128);
        for (int length = 1; length <= lengths.raw(); length++) {
            Objective.Example example = SpanCorruption.corrupt(
                    new int[length], T5.mask(length, 7, new Place(0, length, 0)), VOCABULARY, EOS);
            assertThat(example.inputs().length).isLessThanOrEqualTo(lengths.inputs());
            assertThat(example.targets().length).isLessThanOrEqualTo(lengths.targets());
        }
    }

    @Test
    void everyWayToCutIsEquallyLikely() {
        // 7 tokens, 2 of them noise in 2 spans: the rest of 5 is cut in one of 4 places.
        SpanCorruption corruption = new SpanCorruption(0.3, 1);
        int[] seen = new int[5];
        int draws = 8000;
        for (int example = 0; example < draws; example++) {
            boolean[] mask = corruption.mask(7, 3, new Place(1, example, 0));
            int first = 0;
            while (!mask[first]) {
                first++;
            }
            seen[first]++;
        }
        assertThat(seen[0]).isZero();
        for (int place = 1; place < 5; place++) {
            assertThat(seen[place]).isBetween(draws / 4 - 200, draws / 4 + 200);
        }
    }

    @Test
    void anExamplesMaskDependsOnItsPlaceAlone() {
        assertThat(T5.mask(141, 1, new Place(2, 3, 0))).isEqualTo(T5.mask(141, 1, new Place(2, 3, 0)));
        Set<String> masks = new HashSet<>();
        for (int i = 0; i < 10; i++) {
            masks.add(Arrays.toString(T5.mask(141, i, new Place(2, 3, 0))));
            masks.add(Arrays.toString(T5.mask(141, 1, new Place(20 + i, 3, 0))));
            masks.add(Arrays.toString(T5.mask(141, 1, new Place(2, 20 + i, 0))));
            masks.add(Arrays.toString(T5.mask(141, 1, new Place(2, 3, 1 + i))));
        }
        assertThat(masks).hasSize(40);
    }

    @Test
    void refusesDensitiesAndSpansThatMakeNoSense() {
        assertThatThrownBy(() -> new SpanCorruption(0, 3)).hasMessageContaining("noise-density 0");
        assertThatThrownBy(() -> new SpanCorruption(0.15, 0.5)).hasMessageContaining("mean-span-length 0.5");
    }

    /** Puts the targets' spans back in place of the inputs' sentinels. */
    private static int[] restored(Objective.Example example) {
        List<List<Integer>> spans = new ArrayList<>();
        for (int token : withoutEnd(example.targets())) {
            if (token > VOCABULARY - 101) {
                assertThat(token).isEqualTo(VOCABULARY - 1 - spans.size());
                spans.add(new ArrayList<>());
            } else {
                spans.get(spans.size() - 1).add(token);
            }
        }
        List<Integer> text = new ArrayList<>();
        for (int token : withoutEnd(example.inputs())) {
            if (token > VOCABULARY - 101) {
                text.addAll(spans.get(VOCABULARY - 1 - token));
            } else {
                text.add(token);
            }
        }
        return text.stream().mapToInt(Integer::intValue).toArray();
    }

    private static int[] withoutEnd(int[] tokens) {
        assertThat(tokens[tokens.length - 1]).isEqualTo(EOS);
        return Arrays.copyOf(tokens, tokens.length - 1);
    }
}
