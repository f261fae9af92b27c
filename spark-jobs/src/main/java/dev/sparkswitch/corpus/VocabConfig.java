package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.tokenizer.UnigramTrainer;
import java.util.List;

/** The settings of {@link Vocab}. */
public record VocabConfig(
        @Setting(help = "folder of the corpus, as prepare made it")
        String corpus,

        @Setting(help = "folder for the vocabulary") String output,

        @Setting(value = "32000", help = "pieces in all, sentinels not counted")
        int size,

        @Setting(value = "0.9995", help = "share of the text's characters that become pieces of their own")
        double characterCoverage,

        @Setting(value = "16", help = "characters that a piece has at most")
        int maxPieceLength,

        @Setting(value = "1000000", help = "pieces that training starts with at most")
        int seedPieces,

        @Setting(value = "0.75", help = "share of the pieces that one pruning keeps")
        double shrinkingFactor,

        @Setting(value = "2", help = "steps of expectation maximization between two prunings")
        int subIterations,

        @Setting(value = "[]", help = "strings that are always one piece")
        List<String> userSymbols) {
    public VocabConfig {
        atLeast("size", size, 16);
        atLeast("max-piece-length", maxPieceLength, 1);
        atLeast("seed-pieces", seedPieces, size);
        atLeast("sub-iterations", subIterations, 1);
        if (!(characterCoverage > 0.9 && characterCoverage <= 1)) {
            throw new IllegalArgumentException("character-coverage " + characterCoverage + " must lie in (0.9, 1]");
        }
        if (!(shrinkingFactor >= 0.5 && shrinkingFactor <= 0.95)) {
            throw new IllegalArgumentException("shrinking-factor " + shrinkingFactor + " must lie in [0.5, 0.95]");
        }
    }

    private static void atLeast(String key, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(key + " " + value + " must be " + least + " or more");
        }
    }

    UnigramTrainer.Options options() {
        return new UnigramTrainer.Options(
                size, characterCoverage, maxPieceLength, seedPieces, shrinkingFactor, subIterations, userSymbols);
    }
}
