package dev.sparkswitch.tokenizer;

import dev.sparkswitch.base.UserException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/** The distinct words of a corpus with their counts, kept on the executors while a model is trained. */
final class WordCounts implements AutoCloseable {
    private final JavaPairRDD<String, Long> followed;
    private final JavaPairRDD<String, Long> counts;

    /** @param words of {@link TextNormalizer#followedWords} with counts, which are summed */
    WordCounts(JavaPairRDD<String, Long> words) {
        int partitions = Math.max(words.context().defaultParallelism(), words.getNumPartitions());
        this.followed = words.reduceByKey(Long::sum, partitions).persist(StorageLevel.MEMORY_AND_DISK_SER());
        this.counts = followed.mapToPair(word -> new Tuple2<>(TextNormalizer.word(word._1()), word._2()))
                .reduceByKey(Long::sum, partitions)
                .persist(StorageLevel.MEMORY_AND_DISK_SER());
    }

    JavaPairRDD<String, Long> counts() {
        return counts;
    }

    /**
     * The characters that become pieces of their own, with their counts.
     *
     * @throws UserException if there are none, or more than the vocabulary has room for
     */
    Map<Integer, Long> alphabet(TrainerOptions options) {
        Map<Integer, Long> alphabet = characters(options.characterCoverage());
        if (alphabet.isEmpty()) {
            throw new UserException("There is no text to train a vocabulary on; look at the corpus's counts.");
        }
        if (alphabet.size() > options.normalPieces()) {
            throw new UserException("A vocabulary of " + options.vocabularySize() + " pieces has no room for the "
                    + alphabet.size() + " characters of the text; raise size or lower character-coverage.");
        }
        return alphabet;
    }

    /** What to say where the text yields fewer pieces than are wanted. */
    static UserException tooLittle(int pieces, TrainerOptions options) {
        return new UserException("The text yields only " + pieces + " pieces where a vocabulary of "
                + options.vocabularySize() + " needs " + options.normalPieces() + "; lower size or give more text.");
    }

    /** The characters of an alphabet in the order of their pieces: the most frequent first. */
    static List<Integer> byFrequency(Map<Integer, Long> alphabet) {
        List<Integer> characters = new ArrayList<>(alphabet.keySet());
        characters.sort(
                Comparator.<Integer>comparingLong(alphabet::get).reversed().thenComparing(c -> c));
        return characters;
    }

    /**
     * The {@code limit} most frequent words, brought to the calling machine; among words of equal counts those that
     * come first in the order of their texts.
     */
    List<Tuple2<String, Long>> mostFrequent(int limit) {
        return counts.count() <= limit ? counts.collect() : counts.takeOrdered(limit, new ByScore());
    }

    /**
     * The most frequent characters that together make up {@code coverage} of the text, with their counts.
     *
     * @param coverage a share of all characters, 0 to 1
     */
    private Map<Integer, Long> characters(double coverage) {
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
     * Candidates for pieces as SentencePiece's trainer has them, the inner nodes of a suffix tree over the text: strings
     * inside words that are not always followed by the same character of the text, be it a space or what may not be in the
     * same piece; the best {@code limit} of them by occurrences times length. So a word that never stands before anything
     * but a space is none.
     */
    List<Tuple2<String, Long>> frequentSubstrings(Set<Integer> alphabet, int maxLength, int limit) {
        PieceRules rules = new PieceRules(alphabet, maxLength);
        return followed.flatMapToPair(word -> rules.suffixes(word._1()).stream()
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
        followed.unpersist(false);
    }
}
