package dev.sparkswitch.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.corpus.Fixtures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** T5's vocabulary against encodings that SentencePiece's own library made. */
class TokenizerGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void everyGoldenEncodingIsMatched() throws IOException {
        byte[] model = Fixtures.bytes("tokenizer/spiece.model");
        String cases = new String(Fixtures.bytes("tokenizer/golden_encodings.jsonl"), StandardCharsets.UTF_8);
        try (Tokenizer tokenizer = new Tokenizer(model)) {
            List<String> lines = cases.lines().filter(line -> !line.isBlank()).toList();
            assertThat(lines).isNotEmpty();
            for (String line : lines) {
                JsonNode golden = JSON.readTree(line);
                int[] ids = JSON.convertValue(golden.get("ids"), int[].class);
                String text = golden.get("text").asText();
                assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
                assertThat(tokenizer.decode(ids))
                        .as(text)
                        .isEqualTo(golden.get("decoded").asText());
            }
        }
    }

    @Test
    void t5HasItsSizesAndIds() {
        try (Tokenizer tokenizer = new Tokenizer(Fixtures.bytes("tokenizer/spiece.model"))) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(32100);
            assertThat(tokenizer.embeddingRows()).isEqualTo(32128);
            assertThat(tokenizer.sentinel(0)).isEqualTo(32099);
            assertThat(tokenizer.sentinel(99)).isEqualTo(32000);
            assertThat(List.of(tokenizer.padId(), tokenizer.eosId(), tokenizer.unknownId()))
                    .containsExactly(0, 1, 2);
            assertThat(tokenizer.decode(37, 32099, 629, 32098, 1)).isEqualTo("The <extra_id_0> house <extra_id_1>");
        }
    }

    @Test
    void aModelReadAndWrittenEncodesTheSame() throws IOException {
        byte[] model = Fixtures.bytes("tokenizer/spiece.model");
        byte[] written = SentencePieceModel.parse(model).toBytes();
        String cases = new String(Fixtures.bytes("tokenizer/golden_encodings.jsonl"), StandardCharsets.UTF_8);
        try (Tokenizer tokenizer = new Tokenizer(model);
                Tokenizer copy = new Tokenizer(written)) {
            for (String line : cases.lines().limit(50).toList()) {
                String text = JSON.readTree(line).get("text").asText();
                assertThat(copy.encode(text)).as(text).isEqualTo(tokenizer.encode(text));
            }
        }
    }

    @Test
    void ourNormalizationIsThatOfT5ButForNewerCharacters() {
        byte[] theirs = SentencePieceModel.parse(Fixtures.bytes("tokenizer/spiece.model"))
                .normalizer()
                .characterMap();
        String sample =
                "Ｆｕｌｌ ｗｉｄｔｈ ① ﬁne … ½ A\u030Angstro\u0308m \u1100\u1161\u11A8 ㌀ ª\u00A0b\u2009c\u200Bd\u0007e ～ ™";
        try (Tokenizer ours = new Tokenizer(modelWith(NmtNfkc.characterMap().blob()));
                Tokenizer t5 = new Tokenizer(modelWith(theirs))) {
            assertThat(ours.split(sample)).isEqualTo(t5.split(sample));
        }
    }

    /** A model of single characters with the given normalization. */
    private static byte[] modelWith(byte[] characterMap) {
        List<UnigramModel.Piece> pieces = "\u2581 abcdefghijklmnopqrstuvwxyz"
                .replace(" ", "")
                .codePoints()
                .mapToObj(character -> new UnigramModel.Piece(Character.toString(character), -3))
                .toList();
        return SentencePieceModel.trained(
                        SentencePieceModel.ModelType.UNIGRAM, pieces, TrainerOptions.of(32), characterMap)
                .toBytes();
    }
}
