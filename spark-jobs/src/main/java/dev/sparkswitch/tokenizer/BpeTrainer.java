package dev.sparkswitch.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import org.apache.spark.api.java.JavaPairRDD;

/**
 * Trains byte pair encoding over Spark word counts as SentencePiece does: the executors read and count, the driver
 * merges ({@link PairMerges}). Scores are 0, -1, -2 and so on in the order of the merges, the characters after them.
 */
public final class BpeTrainer implements VocabularyTrainer {
    /** Merges between two calls of progress. */
    private static final int ROUND = 500;

    private final TrainerOptions options;
    private final int maxWords;
    private final IntConsumer progress;

    /**
     * @param maxWords distinct words that are merged over, the most frequent ones: they bound the driver's memory
     * @param progress is told the number of merges now and then
     */
    public BpeTrainer(TrainerOptions options, int maxWords, IntConsumer progress) {
        this.options = options;
        this.maxWords = maxWords;
        this.progress = progress;
    }

    @Override
    public TrainerOptions options() {
        return options;
    }

    @Override
    public SentencePieceModel train(JavaPairRDD<String, Long> counted) {
        Map<Integer, Long> alphabet;
        PairMerges merges;
        try (WordCounts words = new WordCounts(counted)) {
            alphabet = words.alphabet(options);
            merges = new PairMerges(
                    words.mostFrequent(maxWords),
                    new PieceRules(Set.copyOf(alphabet.keySet()), options.maxPieceLength()));
        }
        List<UnigramModel.Piece> pieces = new ArrayList<>();
        int wanted = options.normalPieces() - alphabet.size();
        while (pieces.size() < wanted) {
            String merged = merges.next();
            if (merged == null) {
                throw WordCounts.tooLittle(pieces.size() + alphabet.size(), options);
            }
            add(merged, pieces);
            if (pieces.size() % ROUND == 0) {
                progress.accept(pieces.size());
            }
        }
        for (int character : WordCounts.byFrequency(alphabet)) {
            add(Character.toString(character), pieces);
        }
        return SentencePieceModel.trained(
                SentencePieceModel.ModelType.BPE,
                pieces,
                options,
                NmtNfkc.characterMap().blob());
    }

    private static void add(String text, List<UnigramModel.Piece> pieces) {
        pieces.add(new UnigramModel.Piece(text, -pieces.size()));
    }
}
