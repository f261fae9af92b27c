package dev.sparkswitch.tokenizer;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/** A unigram language model over pieces: a probability each, independent of their neighbours (Kudo 2018). */
final class UnigramModel implements Serializable {
    private static final long serialVersionUID = 1L;
    /** SentencePiece's penalty below the least score, for a character that no piece covers. */
    private static final double UNKNOWN_PENALTY = 10;

    /** A string and its logarithmic probability (nats). */
    record Piece(String text, double score) implements Serializable {}

    private final List<Piece> pieces;
    private final double[] scores;
    private final double unknownScore;
    private final DoubleArrayTrie trie;

    UnigramModel(List<Piece> pieces) {
        this.pieces = List.copyOf(pieces);
        this.scores = pieces.stream().mapToDouble(Piece::score).toArray();
        this.unknownScore = Arrays.stream(scores).min().orElse(0) - UNKNOWN_PENALTY;
        TreeMap<byte[], Integer> entries = new TreeMap<>(Arrays::compareUnsigned);
        for (int id = 0; id < scores.length; id++) {
            entries.put(pieces.get(id).text().getBytes(StandardCharsets.UTF_8), id);
        }
        this.trie = DoubleArrayTrie.of(entries);
    }

    int size() {
        return scores.length;
    }

    List<Piece> pieces() {
        return pieces;
    }

    double score(int id) {
        return scores[id];
    }

    double unknownScore() {
        return unknownScore;
    }

    DoubleArrayTrie trie() {
        return trie;
    }
}
