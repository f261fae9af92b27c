package dev.sparkswitch.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.LocalSpark;
import dev.sparkswitch.corpus.SampleText;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import scala.Tuple2;

class UnigramTrainerTest {
    private static final JavaSparkContext SPARK =
            JavaSparkContext.fromSparkContext(LocalSpark.session().sparkContext());

    private static SentencePieceModel train(List<String> texts, TrainerOptions options, int partitions) {
        return new UnigramTrainer(SPARK, options, UnigramTrainer.Schedule.DEFAULT, Optional.empty(), pieces -> {})
                .train(SPARK.parallelize(texts, partitions));
    }

    @Test
    void theModelDoesNotDependOnPartitionsOrOrder() {
        List<String> texts = SampleText.documents(60, 1);
        byte[] one = train(texts, TrainerOptions.of(200), 1).toBytes();
        List<String> shuffled = new ArrayList<>(texts);
        Collections.shuffle(shuffled, new Random(5));
        assertThat(train(shuffled, TrainerOptions.of(200), 3).toBytes()).isEqualTo(one);
        assertThat(train(shuffled, TrainerOptions.of(200), 17).toBytes()).isEqualTo(one);
    }

    @Test
    void theModelIsOneThatSentencePieceReads() {
        List<String> texts = SampleText.documents(60, 1);
        SentencePieceModel model = train(texts, TrainerOptions.of(200), 2);
        assertThat(model.pieces()).hasSize(200);
        assertThat(model.pieces().subList(0, 3).stream().map(SentencePieceModel.Piece::text))
                .containsExactly("<pad>", "</s>", "<unk>");
        assertThat(SentencePieceModel.parse(model.toBytes()).pieces()).isEqualTo(model.pieces());
        try (Tokenizer tokenizer = new Tokenizer(model.toBytes())) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(300);
            assertThat(tokenizer.embeddingRows()).isEqualTo(384);
            for (String text : texts) {
                int[] ids = tokenizer.encode(text);
                assertThat(tokenizer.decode(ids)).isEqualTo(text);
                assertThat(ids).doesNotContain(tokenizer.unknownId());
                assertThat(ids.length).isLessThan(text.length() / 2);
            }
        }
    }

    @Test
    void seedsAreWhatIsFollowedByDifferentCharactersAnywhereInTheText() {
        List<String> lines = List.of(
                "do undo.", "undo it, do", "redo it", "don't _do_x", "a_do_x undoes", "\u4e00\u4e01 \u4e00\u4e01");
        Map<String, Integer> occurrences = new HashMap<>();
        Map<String, Set<Character>> followers = new HashMap<>();
        for (String line : lines) {
            // As SentencePiece's trainer sees a line: blanks as marks, one before the first word, a boundary at the
            // end.
            String sentence = "▁" + line.replace(' ', '▁') + "\0";
            for (int from = 0; from < sentence.length(); from++) {
                for (int to = from + 2; to < sentence.length(); to++) {
                    String string = sentence.substring(from, to);
                    // One script, a mark at the start alone; letters here are Latin or Chinese, all else is common.
                    if (string.matches("▁?([a-z]+|[\u4e00\u4e01]+|[^a-z▁\u4e00\u4e01]+)")) {
                        occurrences.merge(string, 1, Integer::sum);
                        followers
                                .computeIfAbsent(string, any -> new HashSet<>())
                                .add(sentence.charAt(to));
                    }
                }
            }
        }
        List<Tuple2<String, Long>> expected = new ArrayList<>();
        followers.forEach((string, all) -> {
            if (all.size() > 1) {
                expected.add(new Tuple2<>(string, (long) occurrences.get(string) * string.length()));
            }
        });
        TrainerOptions options = TrainerOptions.of(100);
        TextNormalizer normalizer = TextNormalizer.of(options);
        JavaPairRDD<String, Long> followed = SPARK.parallelize(lines, 3)
                .flatMap(line -> normalizer.followedWords(line).iterator())
                .mapToPair(word -> new Tuple2<>(word, 1L));
        try (WordCounts words = new WordCounts(followed)) {
            Set<Integer> alphabet = Set.copyOf(words.alphabet(options).keySet());
            assertThat(words.frequentSubstrings(alphabet, 16, 1000)).containsExactlyInAnyOrderElementsOf(expected);
        }
        assertThat(expected).hasSizeGreaterThan(5);
    }

    @Test
    void scoresAreFallingLogProbabilities() {
        SentencePieceModel model = train(SampleText.documents(60, 1), TrainerOptions.of(200), 2);
        List<SentencePieceModel.Piece> normal =
                model.pieces().subList(3, model.pieces().size());
        double sum = 0;
        for (int i = 0; i < normal.size(); i++) {
            sum += Math.exp(normal.get(i).score());
            if (i > 0) {
                assertThat(normal.get(i).score())
                        .isLessThanOrEqualTo(normal.get(i - 1).score());
            }
        }
        assertThat(sum).isBetween(0.8, 1.01);
    }

    @Test
    void userSymbolsAreAlwaysOnePiece() {
        TrainerOptions options = TrainerOptions.of(200).withUserSymbols(List.of("<sep>"));
        SentencePieceModel model = train(SampleText.documents(60, 1), options, 2);
        try (Tokenizer tokenizer = new Tokenizer(model.toBytes())) {
            assertThat(tokenizer.split("the<sep>dog")).contains("<sep>");
            assertThat(model.pieces().get(3).text()).isEqualTo("<sep>");
        }
    }

    @Test
    void tooLittleTextIsTheUsersError() {
        assertThatThrownBy(() -> train(List.of(" ", "\n"), TrainerOptions.of(100), 1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no text");
        assertThatThrownBy(() -> train(List.of("hello hello"), TrainerOptions.of(100), 1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("lower size or give more text");
        assertThatThrownBy(() -> train(List.of("abcdefghijklmnopqrstuvwxyz"), TrainerOptions.of(20), 1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no room for the 27 characters");
    }

    @Test
    void damagedModelsAreTheUsersError() {
        assertThatThrownBy(() -> SentencePieceModel.parse(new byte[] {10, 100, 1, 2}))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no SentencePiece model");
        assertThatThrownBy(() -> SentencePieceModel.parse(new byte[0]))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no pieces");
    }
}
