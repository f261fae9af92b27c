package dev.sparkswitch.generate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TokenRulesTest {
    private static final int EOS = 1;

    static List<JsonNode> goldens() {
        return Goldens.of("rules");
    }

    private static TokenRules rules(int ngram, int minLength) {
        return new TokenRules(
                new GenerationConfig(Mode.GREEDY, 1, 1, EarlyStopping.FALSE, 1, 0, 1, 0, ngram, minLength, 64), EOS);
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void whatIsForbiddenIsWhatTransformersForbid(JsonNode golden) {
        int[] written = Goldens.integers(golden.get("written"));
        Scores scores = Scores.of(new double[golden.get("vocabulary").asInt()]);
        rules(golden.get("no-repeat-ngram").asInt(), golden.get("min-length").asInt())
                .apply(scores, written, written.length);
        assertThat(forbidden(scores)).containsExactly(Goldens.integers(golden.get("forbidden")));
    }

    private static int[] forbidden(Scores scores) {
        List<Integer> ids = new ArrayList<>();
        for (int id = 0; id < scores.count(); id++) {
            if (scores.at(id) == Double.NEGATIVE_INFINITY) {
                ids.add(id);
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    @Property
    void noNgramComesTwice(
            @ForAll @IntRange(min = 1, max = 4) int ngram,
            @ForAll @IntRange(min = 2, max = 6) int vocabulary,
            @ForAll long seed) {
        Random random = new Random(seed);
        TokenRules rules = rules(ngram, 0);
        int[] written = new int[40];
        int length = 1;
        for (; length < written.length; length++) {
            Scores scores = Scores.of(random.doubles(vocabulary).toArray());
            rules.apply(scores, written, length);
            int best = scores.best();
            if (scores.at(best) == Double.NEGATIVE_INFINITY) {
                break;
            }
            written[length] = best;
        }
        Set<List<Integer>> seen = new HashSet<>();
        for (int start = 0; start + ngram <= length; start++) {
            List<Integer> tokens = new ArrayList<>();
            for (int i = 0; i < ngram; i++) {
                tokens.add(written[start + i]);
            }
            assertThat(seen.add(tokens)).as("%s is new in %s", tokens, written).isTrue();
        }
    }
}
