package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.tokenizer.TrainerOptions;
import dev.sparkswitch.tokenizer.UnigramTrainer;
import java.util.List;
import java.util.Optional;

/** The settings of {@link Vocab}. */
public record VocabConfig(
        @Setting(help = "folder of the corpus, as prepare made it")
        String corpus,

        @Setting(help = "folder for the vocabulary") String output,

        @Setting(help = "a SentencePiece model file to take as it is; absent: train one")
        Optional<String> from,

        @Setting(value = "unigram", help = "how pieces are chosen: unigram, or bpe for byte pair encoding")
        Model model,

        @Setting(value = "32000", help = "pieces in all, sentinels not counted")
        int size,

        @Setting(value = "1", help = "share of the training documents that is trained on, to try things out")
        double sample,

        @Setting(value = "0.9995", help = "share of the text's characters that become pieces of their own")
        double characterCoverage,

        @Setting(value = "false", help = "write characters that no piece covers as their bytes: 256 of the pieces")
        boolean byteFallback,

        @Setting(value = "16", help = "characters that a piece has at most")
        int maxPieceLength,

        @Setting(value = "1000000", help = "unigram: pieces that training starts with at most")
        int seedPieces,

        @Setting(value = "0.75", help = "unigram: share of the pieces that one pruning keeps")
        double shrinkingFactor,

        @Setting(value = "2", help = "unigram: steps of expectation maximization between two prunings")
        int subIterations,

        @Setting(value = "2000000", help = "bpe: distinct words that are merged over, the most frequent ones")
        int mergedWords,

        @Setting(value = "[]", help = "strings that are always one piece")
        List<String> userSymbols) {
    /** How the pieces of a text are chosen. */
    public enum Model {
        UNIGRAM,
        BPE
    }

    public VocabConfig {
        atLeast("size", size, 16);
        atLeast("max-piece-length", maxPieceLength, 1);
        atLeast("seed-pieces", seedPieces, size);
        atLeast("sub-iterations", subIterations, 1);
        atLeast("merged-words", mergedWords, 1);
        if (!(sample > 0 && sample <= 1)) {
            throw new IllegalArgumentException("sample " + sample + " must lie in (0, 1]");
        }
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

    TrainerOptions options() {
        return new TrainerOptions(size, characterCoverage, maxPieceLength, userSymbols, byteFallback);
    }

    UnigramTrainer.Schedule schedule() {
        return new UnigramTrainer.Schedule(seedPieces, shrinkingFactor, subIterations);
    }
}
