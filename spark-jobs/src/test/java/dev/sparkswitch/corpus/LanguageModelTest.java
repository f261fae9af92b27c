package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.corpus.Objective.Example;
import dev.sparkswitch.corpus.Objective.Lengths;
import dev.sparkswitch.corpus.Objective.Place;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class LanguageModelTest {
    private static final int VOCABULARY = 1000;
    private static final int EOS = 1;

    /** The lengths that T5's split_tokens_to_inputs_length and targets without any input give. */
    @Test
    void stretchesLeaveRoomForTheEnd() {
        assertThat(new PrefixLm().lengths(512, Optional.empty())).isEqualTo(new Lengths(511, 512, 512));
        assertThat(new PrefixLm().lengths(512, Optional.of(200))).isEqualTo(new Lengths(199, 512, 200));
        assertThat(new PlainLm().lengths(512, Optional.empty())).isEqualTo(new Lengths(511, 1, 512));
        assertThat(new PlainLm().lengths(8, Optional.of(256))).isEqualTo(new Lengths(255, 1, 256));
    }

    @Property(tries = 300)
    void prefixAndRestAreTheTextEachWithItsEnd(
            @ForAll @IntRange(min = 2, max = 600) int length,
            @ForAll long seed,
            @ForAll @IntRange(min = 0, max = 1000) int bucket,
            @ForAll @LongRange(min = 0, max = 1L << 40) long example) {
        int[] tokens = IntStream.range(100, 100 + length).toArray();
        Example parts = new PrefixLm().example(tokens, seed, new Place(bucket, example, 0), VOCABULARY, EOS);
        assertThat(parts.inputs().length).isBetween(2, length);
        assertThat(parts.inputs()[parts.inputs().length - 1]).isEqualTo(EOS);
        assertThat(parts.targets()[parts.targets().length - 1]).isEqualTo(EOS);
        int prefix = parts.inputs().length - 1;
        assertThat(Arrays.copyOf(parts.inputs(), prefix)).isEqualTo(Arrays.copyOf(tokens, prefix));
        assertThat(Arrays.copyOf(parts.targets(), length - prefix))
                .isEqualTo(Arrays.copyOfRange(tokens, prefix, length));
    }

    @Test
    void everyPlaceIsEquallyLikelyToBeCut() {
        int[] seen = new int[6];
        int draws = 8000;
        for (int example = 0; example < draws; example++) {
            seen[PrefixLm.prefix(5, 3, new Place(1, example, 0))]++;
        }
        assertThat(seen[0]).isZero();
        assertThat(seen[5]).isZero();
        for (int place = 1; place < 5; place++) {
            assertThat(seen[place]).isBetween(draws / 4 - 200, draws / 4 + 200);
        }
    }

    @Test
    void aCutDependsOnSeedAndPlace() {
        Set<Integer> cuts = new HashSet<>();
        for (int i = 0; i < 10; i++) {
            cuts.add(PrefixLm.prefix(1 << 20, i, new Place(2, 3, 0)));
            cuts.add(PrefixLm.prefix(1 << 20, 0, new Place(20 + i, 3, 0)));
            cuts.add(PrefixLm.prefix(1 << 20, 0, new Place(2, 20 + i, 0)));
            cuts.add(PrefixLm.prefix(1 << 20, 0, new Place(2, 3, 1 + i)));
        }
        assertThat(cuts).hasSize(40);
        assertThat(PrefixLm.prefix(1 << 20, 0, new Place(2, 3, 0)))
                .isEqualTo(PrefixLm.prefix(1 << 20, 0, new Place(2, 3, 0)));
    }

    @Test
    void plainLanguageModellingReadsNothing() {
        Example example = new PlainLm().example(new int[] {7, 8, 9}, 5, new Place(0, 0, 0), VOCABULARY, EOS);
        assertThat(example.inputs()).containsExactly(EOS);
        assertThat(example.targets()).containsExactly(7, 8, 9, EOS);
    }
}
