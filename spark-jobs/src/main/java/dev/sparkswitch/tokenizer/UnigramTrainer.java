package dev.sparkswitch.tokenizer;

import dev.sparkswitch.tokenizer.UnigramModel.Piece;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import org.apache.commons.math3.special.Gamma;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import scala.Tuple2;

/**
 * Trains a unigram language model over Spark word counts as SentencePiece does (Kudo 2018, "Subword Regularization",
 * section 3.2; {@code unigram_model_trainer.cc}): frequent substrings as a first vocabulary, expectation maximization
 * with a sparse prior, and pruning of the pieces whose loss costs the least likelihood, in turns until the size is
 * reached. The model does not depend on the number of partitions.
 */
public final class UnigramTrainer implements VocabularyTrainer {
    /** An expected count below this drops a piece in the maximization step. */
    private static final double LEAST_EXPECTED_COUNT = 0.5;
    /** Pruning stops at this multiple of the size; the rest is cut by score. */
    private static final double SIZE_MARGIN = 1.1;
    /** Keeps the scores of required characters that were pruned apart from each other. */
    private static final double REQUIRED_PENALTY = 0.0001;

    private static final Comparator<Piece> BY_SCORE =
            Comparator.comparingDouble(Piece::score).reversed().thenComparing(Piece::text);

    /**
     * How training goes.
     *
     * @param seedPieces pieces that the first vocabulary has at most
     * @param shrinkingFactor the share of pieces that a pruning keeps
     * @param subIterations steps of expectation maximization between two prunings
     */
    public record Schedule(int seedPieces, double shrinkingFactor, int subIterations) {
        /** SentencePiece's defaults. */
        public static final Schedule DEFAULT = new Schedule(1_000_000, 0.75, 2);
    }

    private final JavaSparkContext spark;
    private final TrainerOptions options;
    private final Schedule schedule;
    private final Optional<RoundFiles> rounds;
    private final IntConsumer progress;

    /**
     * @param rounds where what each round leaves is kept, and what a stopped run left is found
     * @param progress is told the number of pieces that are left after every pruning
     */
    public UnigramTrainer(
            JavaSparkContext spark,
            TrainerOptions options,
            Schedule schedule,
            Optional<RoundFiles> rounds,
            IntConsumer progress) {
        this.rounds = rounds;
        this.spark = spark;
        this.options = options;
        this.schedule = schedule;
        this.progress = progress;
    }

    @Override
    public TrainerOptions options() {
        return options;
    }

    @Override
    public SentencePieceModel train(JavaPairRDD<String, Long> counted) {
        try (WordCounts words = new WordCounts(counted)) {
            Map<Integer, Long> alphabet = words.alphabet(options);
            UnigramModel model = rounds.flatMap(RoundFiles::last).orElseGet(() -> seed(words, alphabet));
            int wanted = (int) (options.vocabularySize() * SIZE_MARGIN);
            while (true) {
                for (int i = 0; i < schedule.subIterations(); i++) {
                    model = maximize(model, words);
                }
                progress.accept(model.size());
                if (model.size() <= wanted) {
                    break;
                }
                model = prune(model, words, wanted);
                UnigramModel left = model;
                rounds.ifPresent(files -> files.save(left));
            }
            return SentencePieceModel.trained(
                    SentencePieceModel.ModelType.UNIGRAM,
                    select(model, alphabet),
                    options,
                    NmtNfkc.characterMap().blob());
        }
    }

    private UnigramModel seed(WordCounts words, Map<Integer, Long> alphabet) {
        List<Tuple2<String, Long>> seeds = new ArrayList<>();
        alphabet.forEach((character, count) -> seeds.add(new Tuple2<>(Character.toString(character), count)));
        seeds.addAll(words.frequentSubstrings(
                Set.copyOf(alphabet.keySet()), options.maxPieceLength(), schedule.seedPieces()));
        double logSum = StrictMath.log(seeds.stream().mapToLong(Tuple2::_2).sum());
        return new UnigramModel(seeds.stream()
                .map(piece -> new Piece(piece._1(), StrictMath.log(piece._2()) - logSum))
                .toList());
    }

    /** One step of expectation maximization, with the Dirichlet prior that SentencePiece takes for sparseness. */
    private UnigramModel maximize(UnigramModel model, WordCounts words) {
        FixedPointSums expected = overWords(model, words, Lattice::addExpected);
        List<Piece> kept = new ArrayList<>();
        double sum = 0;
        for (int id = 0; id < model.size(); id++) {
            double count = expected.sum(id);
            if (count >= LEAST_EXPECTED_COUNT) {
                kept.add(new Piece(model.text(id), Gamma.digamma(count)));
                sum += count;
            }
        }
        double logSum = Gamma.digamma(sum);
        return new UnigramModel(kept.stream()
                .map(piece -> new Piece(piece.text(), piece.score() - logSum))
                .toList());
    }

    /** What one word of the given frequency adds to the sums over all words. */
    private interface Contribution extends java.io.Serializable {
        void add(Lattice lattice, double frequency, FixedPointSums sums);
    }

    private FixedPointSums overWords(UnigramModel model, WordCounts words, Contribution contribution) {
        Broadcast<UnigramModel> shared = spark.broadcast(model);
        try {
            return words.counts()
                    .mapPartitions(partition -> {
                        FixedPointSums sums = new FixedPointSums(shared.value().size());
                        Lattice lattice = new Lattice(shared.value());
                        while (partition.hasNext()) {
                            Tuple2<String, Long> word = partition.next();
                            lattice.set(word._1().getBytes(StandardCharsets.UTF_8));
                            contribution.add(lattice, word._2(), sums);
                        }
                        return List.of(sums).iterator();
                    })
                    .treeReduce(FixedPointSums::merge);
        } finally {
            shared.destroy();
        }
    }

    private static void addBest(Lattice lattice, double frequency, FixedPointSums sums) {
        int steps = lattice.viterbi(Lattice.UNKNOWN);
        for (int step = 0; step < steps; step++) {
            if (lattice.pathId(step) != Lattice.UNKNOWN) {
                sums.add(lattice.pathId(step), frequency);
            }
        }
    }

    /** Keeps the pieces whose removal would cost the most likelihood: a share of them, but at least {@code wanted}. */
    private UnigramModel prune(UnigramModel model, WordCounts words, int wanted) {
        FixedPointSums counts = overWords(model, words, UnigramTrainer::addBest);
        double total = 0;
        for (int id = 0; id < model.size(); id++) {
            total += counts.sum(id);
        }
        List<Piece> kept = new ArrayList<>();
        List<Piece> candidates = new ArrayList<>();
        Lattice lattice = new Lattice(model);
        for (int id = 0; id < model.size(); id++) {
            Piece piece = new Piece(model.text(id), model.score(id));
            double count = counts.sum(id);
            if (count == 0) {
                continue;
            }
            lattice.set(piece.text().getBytes(StandardCharsets.UTF_8));
            if (PieceRules.length(piece.text()) == 1) {
                kept.add(piece);
            } else if (lattice.viterbi(id) > 0 && lattice.pathScore() <= piece.score()) {
                candidates.add(new Piece(piece.text(), loss(lattice, lattice.viterbi(id), count, counts, total)));
            }
        }
        int size = Math.max(wanted, (int) (schedule.shrinkingFactor() * model.size()));
        candidates.sort(BY_SCORE);
        Map<String, Double> scores = new HashMap<>();
        model.pieces().forEach(piece -> scores.put(piece.text(), piece.score()));
        for (Piece candidate : candidates.subList(0, Math.min(candidates.size(), Math.max(0, size - kept.size())))) {
            kept.add(new Piece(candidate.text(), scores.get(candidate.text())));
        }
        return new UnigramModel(kept);
    }

    /**
     * The log likelihood (a multiple of it) that is lost when a piece that occurs {@code count} times is written as
     * the {@code steps} pieces of the lattice's path instead.
     */
    private static double loss(Lattice lattice, int steps, double count, FixedPointSums counts, double total) {
        double with = StrictMath.log(count) - StrictMath.log(total);
        double logTotalWithout = StrictMath.log(total + count * (steps - 1));
        double without = 0;
        for (int step = 0; step < steps; step++) {
            int id = lattice.pathId(step);
            double other = id == Lattice.UNKNOWN ? 0 : counts.sum(id);
            without += StrictMath.log(other + count) - logTotalWithout;
        }
        return count * (with - without);
    }

    /** The characters and then the best other pieces, by falling score. */
    private List<Piece> select(UnigramModel model, Map<Integer, Long> alphabet) {
        Map<String, Double> scores = new HashMap<>();
        model.pieces().forEach(piece -> scores.put(piece.text(), piece.score()));
        double least = scores.values().stream().min(Double::compare).orElse(0.0);
        Map<String, Double> selected = new LinkedHashMap<>();
        double penalty = 0;
        for (int character : WordCounts.byFrequency(alphabet)) {
            String text = Character.toString(character);
            if (scores.containsKey(text)) {
                selected.put(text, scores.get(text));
            } else {
                selected.put(text, least - penalty);
                penalty += REQUIRED_PENALTY;
            }
        }
        List<Piece> best = new ArrayList<>(model.pieces());
        best.sort(BY_SCORE);
        for (Piece piece : best) {
            if (selected.size() == options.normalPieces()) {
                break;
            }
            selected.putIfAbsent(piece.text(), piece.score());
        }
        if (selected.size() < options.normalPieces()) {
            throw WordCounts.tooLittle(selected.size(), options);
        }
        List<Piece> pieces = new ArrayList<>();
        selected.forEach((text, score) -> pieces.add(new Piece(text, score)));
        pieces.sort(BY_SCORE);
        return pieces;
    }
}
