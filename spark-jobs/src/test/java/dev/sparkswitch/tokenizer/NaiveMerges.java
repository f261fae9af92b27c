package dev.sparkswitch.tokenizer;

import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import scala.Tuple2;

/** Byte pair encoding that counts everything anew before every merge. */
final class NaiveMerges {
    private record Pair(String left, String right) {
        String text() {
            return left + right;
        }
    }

    private final List<List<String>> words;
    private final List<Tuple2<String, Long>> counted;
    private final Set<String> made = new HashSet<>();
    private final Set<Pair> dropped = new HashSet<>();

    NaiveMerges(List<List<String>> words, List<Tuple2<String, Long>> counted) {
        this.words = words;
        this.counted = counted;
    }

    /** The next piece, or null. */
    String next() {
        while (true) {
            Map<Pair, Long> counts = counts();
            Pair best = counts.keySet().stream()
                    .filter(pair -> !dropped.contains(pair) && pair.text().length() <= 16)
                    .min(Comparator.<Pair>comparingLong(pair -> -counts.get(pair))
                            .thenComparing(pair -> pair.text().length())
                            .thenComparing(Pair::text)
                            .thenComparing(pair -> pair.left().length()))
                    .orElse(null);
            if (best == null) {
                return null;
            }
            if (made.add(best.text())) {
                words.forEach(word -> merge(word, best));
                return best.text();
            }
            dropped.add(best);
        }
    }

    private Map<Pair, Long> counts() {
        Map<Pair, Long> counts = new HashMap<>();
        for (int i = 0; i < words.size(); i++) {
            List<String> word = words.get(i);
            boolean overlaps = false;
            for (int at = 0; at + 1 < word.size(); at++) {
                Pair pair = new Pair(word.get(at), word.get(at + 1));
                boolean again = at > 0
                        && pair.left().equals(pair.right())
                        && pair.left().equals(word.get(at - 1));
                overlaps = again && !overlaps;
                if (!overlaps) {
                    counts.merge(pair, counted.get(i)._2(), Long::sum);
                }
            }
        }
        return counts;
    }

    private static void merge(List<String> word, Pair pair) {
        for (int at = 0; at + 1 < word.size(); at++) {
            if (word.get(at).equals(pair.left()) && word.get(at + 1).equals(pair.right())) {
                word.set(at, pair.text());
                word.remove(at + 1);
            }
        }
    }
}
