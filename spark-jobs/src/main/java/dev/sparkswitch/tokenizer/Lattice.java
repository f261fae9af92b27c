package dev.sparkswitch.tokenizer;

import java.util.Arrays;

/**
 * All segmentations of one string into pieces of a model, as a graph whose nodes are byte positions and whose edges are
 * pieces. One instance serves many strings in turn; it is not safe for several threads.
 */
final class Lattice {
    private static final double IMPOSSIBLE = Double.NEGATIVE_INFINITY;
    /** The id of an edge over one character that is no piece. */
    static final int UNKNOWN = -1;

    private final UnigramModel model;
    private int length;
    private int edges;
    private int[] begins = new int[64];
    private int[] ends = new int[64];
    private int[] ids = new int[64];
    private double[] forward = new double[64];
    private double[] backward = new double[64];
    private int[] best = new int[64];
    private int[] path = new int[64];

    Lattice(UnigramModel model) {
        this.model = model;
    }

    /** Takes up {@code utf8}; edges come in order of their begins, shorter ones first. */
    void set(byte[] utf8) {
        length = utf8.length;
        edges = 0;
        if (forward.length <= length) {
            int capacity = Math.max(length + 1, forward.length * 2);
            forward = new double[capacity];
            backward = new double[capacity];
            best = new int[capacity];
            path = new int[capacity];
        }
        DoubleArrayTrie trie = model.trie();
        int begin = 0;
        while (begin < length) {
            int characterEnd = Math.min(length, begin + Utf8.length(utf8[begin]));
            boolean characterKnown = false;
            int cell = DoubleArrayTrie.ROOT;
            for (int i = begin; i < length; i++) {
                cell = utf8[i] == 0 ? DoubleArrayTrie.NONE : trie.child(cell, utf8[i] & 0xFF);
                if (cell == DoubleArrayTrie.NONE) {
                    break;
                }
                int id = trie.value(cell);
                if (id != DoubleArrayTrie.NONE) {
                    characterKnown |= i + 1 == characterEnd;
                    addEdge(begin, i + 1, id);
                }
            }
            if (!characterKnown) {
                addEdge(begin, characterEnd, UNKNOWN);
            }
            begin = characterEnd;
        }
    }

    private void addEdge(int begin, int end, int id) {
        if (edges == ids.length) {
            begins = Arrays.copyOf(begins, edges * 2);
            ends = Arrays.copyOf(ends, edges * 2);
            ids = Arrays.copyOf(ids, edges * 2);
        }
        begins[edges] = begin;
        ends[edges] = end;
        ids[edges++] = id;
    }

    private double score(int edge) {
        return ids[edge] == UNKNOWN ? model.unknownScore() : model.score(ids[edge]);
    }

    /**
     * Adds {@code frequency} times each piece's expected count in a random segmentation of the string to {@code
     * expected}, by the forward-backward algorithm in log space.
     *
     * @return the string's log likelihood (nats)
     */
    double addExpected(double frequency, FixedPointSums expected) {
        Arrays.fill(forward, 0, length + 1, IMPOSSIBLE);
        Arrays.fill(backward, 0, length + 1, IMPOSSIBLE);
        forward[0] = 0;
        backward[length] = 0;
        for (int edge = 0; edge < edges; edge++) {
            int end = ends[edge];
            forward[end] = logAdd(forward[end], forward[begins[edge]] + score(edge));
        }
        for (int edge = edges - 1; edge >= 0; edge--) {
            int begin = begins[edge];
            backward[begin] = logAdd(backward[begin], backward[ends[edge]] + score(edge));
        }
        double likelihood = forward[length];
        for (int edge = 0; edge < edges; edge++) {
            if (ids[edge] != UNKNOWN) {
                double marginal = forward[begins[edge]] + score(edge) + backward[ends[edge]] - likelihood;
                expected.add(ids[edge], frequency * StrictMath.exp(marginal));
            }
        }
        return likelihood;
    }

    /**
     * Finds the most probable segmentation; its ids are then {@link #pathId}.
     *
     * @param without an id whose edges are not to be taken, or {@link #UNKNOWN} for none
     * @return the number of pieces in it, 0 if there is none
     */
    int viterbi(int without) {
        Arrays.fill(forward, 0, length + 1, IMPOSSIBLE);
        forward[0] = 0;
        for (int edge = 0; edge < edges; edge++) {
            if (without != UNKNOWN && ids[edge] == without) {
                continue;
            }
            double score = forward[begins[edge]] + score(edge);
            if (score > forward[ends[edge]]) {
                forward[ends[edge]] = score;
                best[ends[edge]] = edge;
            }
        }
        if (forward[length] == IMPOSSIBLE) {
            return 0;
        }
        int steps = 0;
        for (int at = length; at > 0; at = begins[best[at]]) {
            path[steps++] = ids[best[at]];
        }
        return steps;
    }

    /** The log probability of the segmentation that {@link #viterbi} found. */
    double pathScore() {
        return forward[length];
    }

    /** The id of the {@code step}-th piece from the end of that segmentation, or {@link #UNKNOWN}. */
    int pathId(int step) {
        return path[step];
    }

    /** log(exp(a) + exp(b)); StrictMath, so that every machine gets the same bits. */
    private static double logAdd(double a, double b) {
        double high = Math.max(a, b);
        double low = Math.min(a, b);
        return low == IMPOSSIBLE ? high : high + StrictMath.log1p(StrictMath.exp(low - high));
    }
}
