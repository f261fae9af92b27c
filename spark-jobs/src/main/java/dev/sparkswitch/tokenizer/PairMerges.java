package dev.sparkswitch.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import scala.Tuple2;

/**
 * Byte pair encoding over counted words: again and again the most frequent pair of neighbouring symbols becomes one
 * symbol (Sennrich et al. 2016, algorithm 1), pairs that make no valid piece left out. Equal counts are decided as
 * SentencePiece's {@code bpe_model_trainer.cc} decides them: the shorter piece first, then the order of their bytes. As
 * there, a pair that spells a piece which another pair made already is dropped.
 *
 * <p>A word is a run of cells, one a character, in one array of all words; the symbol of a merge stands in its first
 * cell, and its last cell tells its length, so that both neighbours of a symbol are found without links. Counts are kept
 * exactly, as a merge touches only the pairs beside it; those of two equal symbols, which may overlap, are taken anew. Memory: 8 bytes a character of the words and 4 a pair's place.
 */
final class PairMerges {
    /** Between words. Symbols are 0 or more, inner lengths are written as -length, -1 is a character of no alphabet. */
    private static final int BORDER = Integer.MIN_VALUE;

    private static final int FOREIGN = -1;
    /** A cell inside a symbol of three characters or more. */
    private static final int INNER = Integer.MIN_VALUE + 1;

    private final PieceRules rules;
    private final List<int[]> symbols = new ArrayList<>();
    private final Map<Long, Pair> pairs = new HashMap<>();
    private final PriorityQueue<Entry> queue = new PriorityQueue<>();
    private final Set<String> made = new HashSet<>();

    private int[] cells = new int[1 << 16];
    private int[] words = new int[1 << 16];
    private final long[] counts;
    private int end;

    /** Two neighbouring symbols, where they stand, and how often. */
    private static final class Pair {
        final int left;
        final int right;
        /** The characters of the left one. */
        final int leftLength;
        /** The characters of both, or none if they may not be one piece. */
        final int[] characters;

        long count;
        int[] places = new int[2];
        int size;
        boolean queued;

        Pair(int left, int right, int leftLength, int[] characters) {
            this.left = left;
            this.right = right;
            this.leftLength = leftLength;
            this.characters = characters;
        }

        void add(int place, long times) {
            if (size == places.length) {
                places = Arrays.copyOf(places, 2 * size);
            }
            places[size++] = place;
            count += times;
        }
    }

    /** A pair with the count that it had when it was put into the queue; counts in there only fall. */
    private record Entry(Pair pair, long count) implements Comparable<Entry> {
        @Override
        public int compareTo(Entry other) {
            int byCount = Long.compare(other.count, count);
            if (byCount != 0) {
                return byCount;
            }
            int byLength = Integer.compare(pair.characters.length, other.pair.characters.length);
            // The order of code points is that of bytes in UTF-8.
            int byText = byLength != 0 ? byLength : Arrays.compare(pair.characters, other.pair.characters);
            return byText != 0 ? byText : Integer.compare(pair.leftLength, other.pair.leftLength);
        }
    }

    /** @param words each once, with how often it occurs */
    PairMerges(List<Tuple2<String, Long>> words, PieceRules rules) {
        this.rules = rules;
        this.counts = new long[words.size()];
        Map<Integer, Integer> characters = new HashMap<>();
        cells[end++] = BORDER;
        for (int word = 0; word < counts.length; word++) {
            counts[word] = words.get(word)._2();
            String text = words.get(word)._1();
            for (int at = 0; at < text.length(); ) {
                int character = text.codePointAt(at);
                at += Character.charCount(character);
                append(symbol(character, characters), word);
            }
            append(BORDER, word);
        }
        for (int place = 1; place + 1 < end; place++) {
            addPair(place, place + 1);
        }
        pairs.values().forEach(this::enqueue);
    }

    private int symbol(int character, Map<Integer, Integer> characters) {
        if (!rules.alphabet().contains(character)) {
            return FOREIGN;
        }
        return characters.computeIfAbsent(character, key -> {
            symbols.add(new int[] {key});
            return symbols.size() - 1;
        });
    }

    private void append(int cell, int word) {
        if (end == cells.length) {
            int capacity = Math.addExact(end, end / 2);
            cells = Arrays.copyOf(cells, capacity);
            words = Arrays.copyOf(words, capacity);
        }
        cells[end] = cell;
        words[end++] = word;
    }

    /** The next merge's piece, or null if no pair is left. */
    String next() {
        while (!queue.isEmpty()) {
            Entry best = queue.poll();
            Pair pair = best.pair();
            long count = pair.left == pair.right ? withoutOverlaps(pair) : pair.count;
            if (count < best.count()) {
                if (count > 0) {
                    queue.add(new Entry(pair, count));
                }
                continue;
            }
            String text = new String(pair.characters, 0, pair.characters.length);
            if (made.add(text)) {
                symbols.add(pair.characters);
                merge(pair, symbols.size() - 1);
                return text;
            }
        }
        return null;
    }

    /** How often two equal symbols can be merged: in three of them once. */
    private long withoutOverlaps(Pair pair) {
        long count = 0;
        int free = 0;
        for (int i = 0; i < pair.size; i++) {
            int left = pair.places[i];
            int right = left + pair.leftLength;
            if (left >= free && cells[left] == pair.left && cells[right] == pair.right) {
                count += counts[words[left]];
                free = right + pair.leftLength;
            }
        }
        return count;
    }

    private void merge(Pair pair, int symbol) {
        int length = pair.characters.length;
        List<Pair> fresh = new ArrayList<>();
        for (int i = 0; i < pair.size; i++) {
            int left = pair.places[i];
            int right = left + pair.leftLength;
            if (cells[left] != pair.left || cells[right] != pair.right) {
                continue;
            }
            int before = before(left);
            int after = left + length;
            removePair(before, left);
            removePair(right, after);
            cells[right] = INNER;
            cells[left] = symbol;
            cells[after - 1] = -length;
            addFresh(before, left, fresh);
            addFresh(left, after, fresh);
        }
        pair.count = 0;
        pair.places = new int[0];
        pair.size = 0;
        fresh.forEach(this::enqueue);
    }

    /** Where the symbol begins that ends before {@code place}; a cell that is none if a word or another text ends there. */
    private int before(int place) {
        int cell = cells[place - 1];
        return cell < FOREIGN && cell > INNER ? place + cell : place - 1;
    }

    private void addFresh(int left, int right, List<Pair> fresh) {
        Pair pair = addPair(left, right);
        if (pair != null && !pair.queued) {
            pair.queued = true;
            fresh.add(pair);
        }
    }

    private void enqueue(Pair pair) {
        // A pair made by one merge of a run may be gone with the next.
        if (pair.characters.length > 0 && pair.count > 0) {
            pair.queued = true;
            queue.add(new Entry(pair, pair.count));
        }
    }

    private Pair addPair(int left, int right) {
        if (cells[left] < 0 || cells[right] < 0) {
            return null;
        }
        Pair pair =
                pairs.computeIfAbsent(key(left, right), key -> pair((int) (key >>> Integer.SIZE), (int) (long) key));
        if (pair.characters.length == 0) {
            return null;
        }
        pair.add(left, counts[words[left]]);
        return pair;
    }

    private void removePair(int left, int right) {
        if (cells[left] >= 0 && cells[right] >= 0) {
            pairs.get(key(left, right)).count -= counts[words[left]];
        }
    }

    private long key(int left, int right) {
        return (long) cells[left] << Integer.SIZE | cells[right];
    }

    private Pair pair(int left, int right) {
        int[] first = symbols.get(left);
        int[] second = symbols.get(right);
        int[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return new Pair(left, right, first.length, rules.allow(both) ? both : new int[0]);
    }
}
