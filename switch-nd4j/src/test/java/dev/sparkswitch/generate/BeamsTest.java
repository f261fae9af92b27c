package dev.sparkswitch.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.model.T5Config;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** Beams over a language whose next token depends on the last one alone. */
class BeamsTest {
    private static final int VOCABULARY = 4;
    private static final T5Config MODEL = T5Config.builder()
            .vocabularySize(VOCABULARY)
            .modelSize(4)
            .keySize(4)
            .heads(1)
            .feedForwardSize(4)
            .encoderLayers(1)
            .decoderLayers(1)
            .build();

    private static double[][] language(long seed) {
        Random random = new Random(seed);
        double[][] logProbabilities = new double[VOCABULARY][VOCABULARY];
        for (double[] row : logProbabilities) {
            double sum = 0;
            for (int id = 0; id < VOCABULARY; id++) {
                row[id] = random.nextGaussian();
                sum += Math.exp(row[id]);
            }
            for (int id = 0; id < VOCABULARY; id++) {
                row[id] -= Math.log(sum);
            }
        }
        return logProbabilities;
    }

    private static Beams.Hypothesis search(
            double[][] language, int beams, double penalty, EarlyStopping stopping, int maxLength) {
        GenerationConfig settings =
                new GenerationConfig(Mode.BEAM, beams, penalty, stopping, 1, 0, 1, 0, 0, 0, maxLength);
        Beams row = new Beams(settings, MODEL);
        while (row.running() > 0) {
            Scores[] next = new Scores[row.running()];
            for (int beam = 0; beam < next.length; beam++) {
                next[beam] = Scores.of(language[row.tokens(beam)[row.length() - 1]].clone());
            }
            row.advance(next);
        }
        return row.best();
    }

    /** The best target of all that there are, as the settings score them. */
    private static Beams.Hypothesis exhaustive(double[][] language, double penalty, int maxLength) {
        List<Beams.Hypothesis> all = new ArrayList<>();
        extend(language, new int[] {MODEL.decoderStartId()}, 0, penalty, maxLength, all);
        Beams.Hypothesis best = all.get(0);
        for (Beams.Hypothesis hypothesis : all) {
            best = hypothesis.score() > best.score() ? hypothesis : best;
        }
        return best;
    }

    private static void extend(
            double[][] language, int[] tokens, double sum, double penalty, int maxLength, List<Beams.Hypothesis> all) {
        int last = tokens[tokens.length - 1];
        if (tokens.length == maxLength || (tokens.length > 1 && last == MODEL.eosId())) {
            int[] written = Arrays.copyOfRange(tokens, 1, tokens.length);
            all.add(new Beams.Hypothesis(written, sum / Math.pow(written.length, penalty)));
            return;
        }
        for (int id = 0; id < VOCABULARY; id++) {
            int[] longer = Arrays.copyOf(tokens, tokens.length + 1);
            longer[tokens.length] = id;
            extend(language, longer, sum + language[last][id], penalty, maxLength, all);
        }
    }

    @Property(tries = 200)
    void withBeamsForAllTargetsTheBestScoreIsFound(
            @ForAll long seed,
            @ForAll @DoubleRange(min = -1, max = 2) double penalty,
            @ForAll @IntRange(min = 2, max = 5) int maxLength) {
        double[][] language = language(seed);
        Beams.Hypothesis found = search(language, 1024, penalty, EarlyStopping.NEVER, maxLength);
        Beams.Hypothesis wanted = exhaustive(language, penalty, maxLength);
        // Not the tokens: two targets made of the same transitions in another order tie but for rounding.
        assertThat(found.score()).isCloseTo(wanted.score(), within(1e-12));
    }

    @Property(tries = 200)
    void aScoreIsThatOfItsTokens(
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 5) int beams,
            @ForAll EarlyStopping stopping,
            @ForAll @DoubleRange(min = -1, max = 2) double penalty,
            @ForAll @IntRange(min = 2, max = 12) int maxLength) {
        double[][] language = language(seed);
        Beams.Hypothesis found = search(language, beams, penalty, stopping, maxLength);
        double sum = 0;
        int last = MODEL.decoderStartId();
        for (int token : found.tokens()) {
            sum += language[last][token];
            last = token;
        }
        assertThat(found.score()).isCloseTo(sum / Math.pow(found.tokens().length, penalty), within(1e-9));
        assertThat(found.tokens()).hasSizeLessThan(maxLength);
        boolean ended = last == MODEL.eosId();
        assertThat(ended || found.tokens().length == maxLength - 1).isTrue();
    }
}
