package dev.sparkswitch.tokenizer;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.Partitioner;
import scala.Tuple2;

/**
 * Counts substrings as the inner nodes of a suffix tree, which it walks without building it: the suffixes of all words
 * come sorted, so those that share a beginning follow each other.
 */
final class Suffixes {
    /** Beginnings of fewer characters are not counted. */
    static final int SHORTEST = 2;

    private Suffixes() {}

    /** Sends suffixes with the same first two characters to the same partition. */
    static final class ByBeginning extends Partitioner {
        private static final long serialVersionUID = 1L;
        private final int partitions;

        ByBeginning(int partitions) {
            this.partitions = partitions;
        }

        @Override
        public int numPartitions() {
            return partitions;
        }

        @Override
        public int getPartition(Object suffix) {
            String text = (String) suffix;
            String beginning = text.substring(0, text.offsetByCodePoints(0, SHORTEST));
            return Math.floorMod(beginning.hashCode() * 0x9E3779B9, partitions);
        }
    }

    /**
     * From sorted suffixes with counts to the strings that begin some of them and that are not always followed by the same
     * character, each with its count times its length. The last character of a suffix only tells what follows.
     */
    static final class Branches implements Iterator<Tuple2<String, Long>> {
        private final Iterator<Tuple2<String, Long>> suffixes;
        private final ArrayDeque<Tuple2<String, Long>> pending = new ArrayDeque<>();
        /** The suffix whose beginnings are open, its characters; its first {@code d} have been met totals[d] times. */
        private int[] open = new int[0];

        private long[] totals = new long[1];
        /** How often the most frequent continuation of the first {@code d} characters was met. */
        private long[] continuations = new long[1];

        Branches(Iterator<Tuple2<String, Long>> suffixes) {
            this.suffixes = suffixes;
        }

        @Override
        public boolean hasNext() {
            while (pending.isEmpty() && suffixes.hasNext()) {
                Tuple2<String, Long> suffix = suffixes.next();
                int[] next = suffix._1().codePoints().toArray();
                int common = Arrays.mismatch(open, next);
                close(common < 0 ? open.length : common);
                open = next;
                if (totals.length <= next.length) {
                    totals = Arrays.copyOf(totals, 2 * next.length);
                    continuations = Arrays.copyOf(continuations, 2 * next.length);
                }
                totals[next.length] += suffix._2();
            }
            if (pending.isEmpty() && open.length > 0) {
                close(0);
                open = new int[0];
            }
            return !pending.isEmpty();
        }

        /** Ends all beginnings longer than {@code length}. */
        private void close(int length) {
            for (int depth = open.length; depth > length; depth--) {
                long total = totals[depth];
                if (depth >= SHORTEST && continuations[depth] > 0 && total > continuations[depth]) {
                    pending.add(new Tuple2<>(new String(open, 0, depth), total * depth));
                }
                totals[depth - 1] += total;
                continuations[depth - 1] = Math.max(continuations[depth - 1], total);
                totals[depth] = 0;
                continuations[depth] = 0;
            }
        }

        @Override
        public Tuple2<String, Long> next() {
            if (!hasNext()) {
                throw new NoSuchElementException("no substring is left");
            }
            return pending.poll();
        }
    }
}
