package dev.sparkswitch.tokenizer;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A unigram language model over pieces: a probability each, independent of their neighbours (Kudo 2018). */
final class UnigramModel implements Serializable {
    private static final long serialVersionUID = 1L;
    /** SentencePiece's penalty below the least score, for a character that no piece covers. */
    private static final double UNKNOWN_PENALTY = 10;

    /** A string and its logarithmic probability (nats). */
    record Piece(String text, double score) {}

    /** Arrays, not records: what is broadcast must pass through Spark's Kryo serializer too. */
    private final String[] texts;

    private final double[] scores;
    private final double unknownScore;
    private final DoubleArrayTrie trie;

    UnigramModel(List<Piece> pieces) {
        this.texts = pieces.stream().map(Piece::text).toArray(String[]::new);
        this.scores = pieces.stream().mapToDouble(Piece::score).toArray();
        this.unknownScore = Arrays.stream(scores).min().orElse(0) - UNKNOWN_PENALTY;
        this.trie = trie(pieces);
    }

    private static DoubleArrayTrie trie(List<Piece> pieces) {
        byte[][] texts = new byte[pieces.size()][];
        Integer[] order = new Integer[texts.length];
        for (int id = 0; id < texts.length; id++) {
            texts[id] = pieces.get(id).text().getBytes(StandardCharsets.UTF_8);
            order[id] = id;
        }
        Arrays.sort(order, (left, right) -> Arrays.compareUnsigned(texts[left], texts[right]));
        byte[][] keys = new byte[texts.length][];
        int[] ids = new int[texts.length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = texts[order[i]];
            ids[i] = order[i];
        }
        return DoubleArrayTrie.of(keys, ids);
    }

    int size() {
        return scores.length;
    }

    String text(int id) {
        return texts[id];
    }

    /** All pieces in order of their ids. */
    List<Piece> pieces() {
        return IntStream.range(0, texts.length)
                .mapToObj(id -> new Piece(texts[id], scores[id]))
                .toList();
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
