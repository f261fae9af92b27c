package dev.sparkswitch.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/** The distinct words of a corpus with their counts, kept on the executors while a model is trained. */
final class WordCounts implements AutoCloseable {
    private final JavaPairRDD<String, Long> counts;

    private WordCounts(JavaPairRDD<String, Long> counts) {
        this.counts = counts;
    }

    /** @param partitions over which the words are spread */
    static WordCounts of(JavaRDD<String> texts, TextNormalizer normalizer, int partitions) {
        return new WordCounts(texts.flatMap(text -> normalizer.words(text).iterator())
                .mapToPair(word -> new Tuple2<>(word, 1L))
                .reduceByKey(Long::sum, partitions)
                .persist(StorageLevel.MEMORY_AND_DISK_SER()));
    }

    JavaPairRDD<String, Long> counts() {
        return counts;
    }

    /**
     * The most frequent characters that together make up {@code coverage} of the text, with their counts.
     *
     * @param coverage a share of all characters, 0 to 1
     */
    Map<Integer, Long> characters(double coverage) {
        List<Tuple2<Integer, Long>> all = new ArrayList<>(counts.mapPartitionsToPair(words -> {
                    Map<Integer, Long> sums = new HashMap<>();
                    words.forEachRemaining(word ->
                            word._1().codePoints().forEach(character -> sums.merge(character, word._2(), Long::sum)));
                    return sums.entrySet().stream()
                            .map(entry -> new Tuple2<>(entry.getKey(), entry.getValue()))
                            .iterator();
                })
                .reduceByKey(Long::sum)
                .collect());
        all.sort(Comparator.<Tuple2<Integer, Long>>comparingLong(Tuple2::_2)
                .reversed()
                .thenComparing(Tuple2::_1));
        long total = all.stream().mapToLong(Tuple2::_2).sum();
        Map<Integer, Long> covered = new TreeMap<>();
        long sum = 0;
        for (Tuple2<Integer, Long> character : all) {
            if (sum >= coverage * total) {
                break;
            }
            covered.put(character._1(), character._2());
            sum += character._2();
        }
        return covered;
    }

    /**
     * Candidates for pieces: strings inside words that occur at least twice and that are not always followed by the same
     * character (those are covered by the longer string), the best {@code limit} of them by occurrences times length.
     */
    List<Tuple2<String, Long>> frequentSubstrings(Set<Integer> alphabet, int maxLength, int limit) {
        PieceRules rules = new PieceRules(alphabet, maxLength);
        return counts.flatMapToPair(word -> rules.suffixes(word._1()).stream()
                        .map(suffix -> new Tuple2<>(suffix, word._2()))
                        .iterator())
                .repartitionAndSortWithinPartitions(new Suffixes.ByBeginning(counts.getNumPartitions()))
                .mapPartitions(Suffixes.Branches::new)
                .takeOrdered(limit, new ByScore());
    }

    /** Higher scores first, equal ones by their text. */
    private static final class ByScore implements Comparator<Tuple2<String, Long>>, java.io.Serializable {
        private static final long serialVersionUID = 1L;

        @Override
        public int compare(Tuple2<String, Long> left, Tuple2<String, Long> right) {
            int byScore = Long.compare(right._2(), left._2());
            return byScore != 0 ? byScore : left._1().compareTo(right._1());
        }
    }

    @Override
    public void close() {
        counts.unpersist(false);
    }
}
