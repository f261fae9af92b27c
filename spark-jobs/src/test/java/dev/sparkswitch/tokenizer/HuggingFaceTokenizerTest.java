package dev.sparkswitch.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.tokenizer.SentencePieceModel.ModelType;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceTokenizerTest {
    private static JsonNode json(SentencePieceModel model, String name) {
        return GoldenModels.json(new String(HuggingFaceTokenizer.files(model).get(name), StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"unigram", "bpe"})
    void theFilesAreThoseWithWhichTransformersGivesTheGoldenIds(String kind) {
        SentencePieceModel model = SentencePieceModel.parse(GoldenModels.bytes(kind + ".model"));
        assertThat(json(model, HuggingFaceTokenizer.TOKENIZER))
                .isEqualTo(GoldenModels.json(
                        new String(GoldenModels.bytes(kind + ".tokenizer.json"), StandardCharsets.UTF_8)));
        assertThat(json(model, HuggingFaceTokenizer.CONFIG))
                .isEqualTo(GoldenModels.json(
                        new String(GoldenModels.bytes("tokenizer_config.json"), StandardCharsets.UTF_8)));
    }

    @Test
    void sentinelsHaveTheIdsThatTheTokenizerGivesThem() {
        byte[] bytes = GoldenModels.bytes("bpe.model");
        JsonNode tokens = json(SentencePieceModel.parse(bytes), HuggingFaceTokenizer.TOKENIZER)
                .get("added_tokens");
        try (Tokenizer tokenizer = new Tokenizer(bytes)) {
            for (JsonNode token : tokens) {
                String content = token.get("content").asText();
                if (content.startsWith("<extra_id_")) {
                    int number = Integer.parseInt(content.substring(10, content.length() - 1));
                    assertThat(token.get("id").asInt()).isEqualTo(tokenizer.sentinel(number));
                }
            }
        }
        assertThat(tokens).hasSize(3 + Tokenizer.SENTINELS);
    }

    @Test
    void theCharacterMapGoesAlong() {
        byte[] map = CharacterMap.of(Map.of("\uFB01", "fi")).blob();
        SentencePieceModel model = SentencePieceModel.trained(
                ModelType.UNIGRAM, List.of(new UnigramModel.Piece("a", -1)), TrainerOptions.of(16), map);
        JsonNode first = json(model, HuggingFaceTokenizer.TOKENIZER).at("/normalizer/normalizers/0");
        assertThat(first.get("type").asText()).isEqualTo("Precompiled");
        assertThat(Base64.getDecoder().decode(first.get("precompiled_charsmap").asText()))
                .isEqualTo(map);
    }

    @Test
    void modelsThatTheirLibraryCannotExpressAreNamed() {
        SentencePieceModel model = SentencePieceModel.parse(GoldenModels.bytes("bpe.model"));
        SentencePieceModel words = new SentencePieceModel(
                model.pieces(),
                new SentencePieceModel.Trainer(ModelType.WORD, 500, false, false, 2, -1, 1, 0, " "),
                model.normalizer(),
                false);
        assertThat(HuggingFaceTokenizer.obstacle(words)).hasValue("is of the type WORD, neither unigram nor BPE");
        assertThat(HuggingFaceTokenizer.obstacle(model)).isEmpty();
    }
}
