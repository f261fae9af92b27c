package dev.sparkswitch.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.LocalSpark;
import dev.sparkswitch.corpus.SampleText;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import scala.Tuple2;

class BpeTrainerTest {
    private static final JavaSparkContext SPARK =
            JavaSparkContext.fromSparkContext(LocalSpark.session().sparkContext());

    private static SentencePieceModel train(List<String> texts, TrainerOptions options, int partitions) {
        return new BpeTrainer(options, 1_000_000, merges -> {}).train(SPARK.parallelize(texts, partitions));
    }

    @Test
    void piecesAreThoseOfSentencePiecesTrainerInTheirOrder() {
        SentencePieceModel model = train(SampleText.documents(60, 1), TrainerOptions.of(300), 2);
        assertThat(model.pieces().stream().map(SentencePieceModel.Piece::text))
                .containsExactlyElementsOf(GoldenModels.lines("bpe-300.pieces"));
    }

    @Test
    void theModelDoesNotDependOnPartitionsOrOrder() {
        List<String> texts = SampleText.documents(60, 1);
        byte[] one = train(texts, TrainerOptions.of(400), 1).toBytes();
        List<String> shuffled = new ArrayList<>(texts);
        Collections.shuffle(shuffled, new Random(5));
        assertThat(train(shuffled, TrainerOptions.of(400), 3).toBytes()).isEqualTo(one);
        assertThat(train(shuffled, TrainerOptions.of(400), 17).toBytes()).isEqualTo(one);
    }

    /** Counts all pairs anew before every merge, as the paper's own listing does. */
    @Property(tries = 300)
    void mergesAreThoseOfTheNaiveAlgorithm(
            @ForAll @Size(min = 1, max = 12)
                    Set<@CharRange(from = 'a', to = 'c') @StringLength(min = 1, max = 12) String> words,
            @ForAll @IntRange(min = 1, max = 4) int most) {
        List<Tuple2<String, Long>> counted = new ArrayList<>();
        List<List<String>> naive = new ArrayList<>();
        for (String word : words) {
            counted.add(new Tuple2<>(word, 1L + Math.floorMod(word.hashCode(), most)));
            naive.add(new ArrayList<>(word.chars().mapToObj(Character::toString).toList()));
        }
        Set<Integer> alphabet =
                words.stream().flatMap(word -> word.chars().boxed()).collect(Collectors.toSet());
        PairMerges merges = new PairMerges(counted, new PieceRules(alphabet, 16));
        NaiveMerges expected = new NaiveMerges(naive, counted);
        String next;
        do {
            next = merges.next();
            assertThat(next).isEqualTo(expected.next());
        } while (next != null);
    }

    @Test
    void bytesStandForCharactersWithoutAPiece() {
        TrainerOptions options = TrainerOptions.of(600).withByteFallback().withUserSymbols(List.of("<sep>"));
        SentencePieceModel model = train(SampleText.documents(60, 1), options, 2);
        assertThat(model.pieces()).hasSize(600);
        try (Tokenizer tokenizer = new Tokenizer(model.toBytes())) {
            int[] ids = tokenizer.encode("the \uD83D\uDE00<sep>\u6F22");
            assertThat(ids).doesNotContain(tokenizer.unknownId());
            assertThat(tokenizer.decode(ids)).isEqualTo("the \uD83D\uDE00<sep>\u6F22");
            assertThat(ids).contains(3);
        }
    }

    @Test
    void theLeastFrequentWordsMayBeLeftOut() {
        TrainerOptions options = new TrainerOptions(10, 1, 16, List.of(), false);
        var texts = SPARK.parallelize(List.of("aaa aaa aaa bbb bbb ccc"), 2);
        SentencePieceModel model = new BpeTrainer(options, 1, merges -> {}).train(texts);
        assertThat(model.pieces().stream().map(SentencePieceModel.Piece::text))
                .containsExactly("<pad>", "</s>", "<unk>", "aa", "aaa", "\u2581aaa", "a", "b", "\u2581", "c");
        TrainerOptions more = new TrainerOptions(11, 1, 16, List.of(), false);
        assertThat(new BpeTrainer(more, 2, merges -> {}).train(texts).pieces()).hasSize(11);
        assertThatThrownBy(() -> new BpeTrainer(more, 1, merges -> {}).train(texts))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("only 7 pieces");
    }

    @Test
    void tooLittleTextIsTheUsersError() {
        assertThatThrownBy(() -> train(List.of("hello hello"), TrainerOptions.of(100), 1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("lower size or give more text");
        assertThatThrownBy(() ->
                        train(List.of("hello hello"), TrainerOptions.of(100).withByteFallback(), 1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no room for the 5 characters");
    }
}
