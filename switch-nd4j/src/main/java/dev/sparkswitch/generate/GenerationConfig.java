package dev.sparkswitch.generate;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.T5Config;
import java.util.Locale;

/**
 * How targets are written. The fields mean what those of the same name mean in Hugging Face's transformers; in particular
 * lengths count the decoder's start token.
 *
 * @param mode how the next token is taken
 * @param beams running hypotheses of a beam search, num_beams
 * @param lengthPenalty the exponent of the length that a hypothesis's log-probability is divided by; above 0 favours long ones
 * @param earlyStopping when a beam search ends
 * @param temperature logits are divided by it before sampling
 * @param topK sampling is among this many of the most probable tokens; 0: among all
 * @param topP sampling is among the most probable tokens whose probabilities add up to this; 1: among all
 * @param seed of sampling
 * @param noRepeatNgram token sequences of this length occur at most once in a target, no_repeat_ngram_size; 0: as often as
 *     they like
 * @param minLength a target does not end before it has this many tokens, the start counted, the end not
 * @param maxLength tokens of a target at most, start and end counted
 */
public record GenerationConfig(
        @Setting(value = "greedy", help = "greedy, beam or sample")
        Mode mode,

        @Setting(value = "1", help = "hypotheses that a beam search follows")
        int beams,

        @Setting(value = "1.0", help = "beam search: above 0 favours long targets, below 0 short ones")
        double lengthPenalty,

        @Setting(value = "false", help = "beam search: true, false or never, as in transformers")
        EarlyStopping earlyStopping,

        @Setting(value = "1.0", help = "sampling: below 1 favours probable tokens")
        double temperature,

        @Setting(value = "0", help = "sampling: only among this many most probable tokens; 0: all")
        int topK,

        @Setting(value = "1.0", help = "sampling: only among the most probable tokens with this probability in all")
        double topP,

        @Setting(value = "0", help = "seed of sampling") long seed,

        @Setting(value = "0", help = "token sequences of this length are never repeated; 0: no such rule")
        int noRepeatNgram,

        @Setting(value = "0", help = "least tokens of a target, the start token counted")
        int minLength,

        @Setting(value = "128", help = "most tokens of a target, start and end token counted")
        int maxLength) {
    public GenerationConfig {
        Contradictions.none(found -> {
            found.atLeast(1, "beams", beams)
                    .check(Double.isFinite(lengthPenalty), "length-penalty is " + lengthPenalty + " but must be finite")
                    .positive("temperature", temperature)
                    .atLeast(0, "top-k", topK)
                    .check(topP > 0 && topP <= 1, "top-p is " + topP + " but must be above 0 and at most 1")
                    .atLeast(0, "no-repeat-ngram", noRepeatNgram)
                    .atLeast(0, "min-length", minLength)
                    .atLeast(2, "max-length", maxLength)
                    .check(minLength <= maxLength, "min-length " + minLength + " exceeds max-length " + maxLength);
            if (mode == Mode.BEAM) {
                found.check(beams != 1, "mode is beam but beams is 1: set beams to 2 or more");
            } else {
                found.check(beams == 1, belongs("beams", beams, Mode.BEAM, mode))
                        .check(lengthPenalty == 1, belongs("length-penalty", lengthPenalty, Mode.BEAM, mode))
                        .check(
                                earlyStopping == EarlyStopping.FALSE,
                                belongs("early-stopping", name(earlyStopping), Mode.BEAM, mode));
            }
            if (mode != Mode.SAMPLE) {
                found.check(temperature == 1, belongs("temperature", temperature, Mode.SAMPLE, mode))
                        .check(topK == 0, belongs("top-k", topK, Mode.SAMPLE, mode))
                        .check(topP == 1, belongs("top-p", topP, Mode.SAMPLE, mode));
            }
        });
    }

    private static String belongs(String key, Object value, Mode owner, Mode mode) {
        return key + " is " + value + ", which has a meaning in mode " + name(owner) + " alone, but mode is "
                + name(mode);
    }

    private static String name(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** Greedy writing of at most {@code tokens} new tokens, the end among them. */
    public static GenerationConfig greedy(int tokens) {
        return new GenerationConfig(Mode.GREEDY, 1, 1, EarlyStopping.FALSE, 1, 0, 1, 0, 0, 0, tokens + 1);
    }

    /** The most tokens that are written after the start token. */
    public int newTokens() {
        return maxLength - 1;
    }

    /**
     * Refuses a model that these settings do not go with.
     *
     * @throws UserException naming the settings
     */
    public void requireFit(T5Config model) {
        if (2L * beams > model.vocabularySize()) {
            throw new UserException("beams is " + beams + ", but a vocabulary of " + model.vocabularySize()
                    + " ids allows at most " + model.vocabularySize() / 2 + ": lower beams.");
        }
    }
}
