package dev.sparkswitch.tokenizer;

import java.util.List;

/**
 * What a vocabulary is to be, whichever model it has.
 *
 * @param vocabularySize pieces in all, with {@code <pad>}, {@code </s>}, {@code <unk>}, user symbols and bytes
 * @param characterCoverage the share of the text's characters that become pieces of their own
 * @param maxPieceLength characters a piece has at most
 * @param userSymbols strings that are always one piece
 * @param byteFallback whether characters that no piece covers are written as their bytes in UTF-8, which are 256 pieces
 */
public record TrainerOptions(
        int vocabularySize,
        double characterCoverage,
        int maxPieceLength,
        List<String> userSymbols,
        boolean byteFallback) {
    /** Pieces of the byte fallback: one a byte. */
    static final int BYTES = 256;

    public TrainerOptions {
        userSymbols = List.copyOf(userSymbols);
    }

    /** SentencePiece's defaults. */
    public static TrainerOptions of(int vocabularySize) {
        return new TrainerOptions(vocabularySize, 0.9995, 16, List.of(), false);
    }

    /** The same with these user symbols. */
    public TrainerOptions withUserSymbols(List<String> symbols) {
        return new TrainerOptions(vocabularySize, characterCoverage, maxPieceLength, symbols, byteFallback);
    }

    /** The same with the fallback to bytes. */
    public TrainerOptions withByteFallback() {
        return new TrainerOptions(vocabularySize, characterCoverage, maxPieceLength, userSymbols, true);
    }

    /** Pieces that training finds: those that are left beside the prescribed ones; negative where these are too many. */
    int normalPieces() {
        return vocabularySize - SentencePieceModel.META_PIECES - userSymbols.size() - (byteFallback ? BYTES : 0);
    }
}
