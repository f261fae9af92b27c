package dev.sparkswitch.corpus.overlap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class WordGramsTest {
    private static List<Long> hashes(int length, String text) {
        List<Long> hashes = new ArrayList<>();
        new WordGrams(length).scan(text, (hash, from, to) -> hashes.add(hash));
        return hashes;
    }

    private static List<String> runs(int length, String text) {
        List<String> runs = new ArrayList<>();
        new WordGrams(length).scan(text, (hash, from, to) -> runs.add(text.substring(from, to)));
        return runs;
    }

    @Test
    void aRunCoversItsWords() {
        assertThat(runs(2, "  The cat, (sat)\non 3 mats."))
                .containsExactly("The cat", "cat, (sat", "sat)\non", "on 3", "3 mats");
        assertThat(runs(1, "naïve Ωmega")).containsExactly("naïve", "Ωmega");
        assertThat(runs(3, "too short")).isEmpty();
    }

    @Test
    void caseAndPunctuationDoNotCount() {
        assertThat(hashes(3, "The CAT -- sat; on Ärger")).isEqualTo(hashes(3, "the cat sat on ärger"));
        assertThat(hashes(3, "the cat sat")).isNotEqualTo(hashes(3, "cat the sat"));
        assertThat(hashes(2, "ab c")).isNotEqualTo(hashes(2, "a bc"));
    }

    @Test
    void scriptsWithoutBlanksHaveAWordACharacter() {
        assertThat(runs(2, "私は mat")).containsExactly("私は", "は mat");
        assertThat(runs(1, "abc漢def")).containsExactly("abc", "漢", "def");
        // A character outside the basic plane is one word, not two.
        assertThat(runs(1, "\uD840\uDC00\uD840\uDC01")).hasSize(2);
    }

    /** The hash is updated from run to run; equal runs must get equal ones wherever they stand, others different ones. */
    @Property(tries = 100)
    void equalRunsAloneHaveEqualHashes(
            @ForAll @Size(max = 60) List<@IntRange(max = 3) Integer> words,
            @ForAll @IntRange(min = 1, max = 5) int length) {
        StringBuilder text = new StringBuilder();
        words.forEach(word -> text.append("w").append(word).append(' '));
        List<Long> hashes = hashes(length, text.toString());
        Set<List<Integer>> expected = new LinkedHashSet<>();
        for (int i = 0; i + length <= words.size(); i++) {
            List<Integer> run = words.subList(i, i + length);
            expected.add(run);
            StringBuilder alone = new StringBuilder();
            run.forEach(word -> alone.append(" W").append(word));
            assertThat(hashes.get(i)).isEqualTo(hashes(length, alone.toString()).get(0));
        }
        assertThat(hashes).hasSize(Math.max(0, words.size() - length + 1));
        assertThat(Set.copyOf(hashes)).hasSameSizeAs(expected);
    }
}
