package dev.sparkswitch.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.SentencePieceModel.ModelType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models with byte fallback and user symbols against SentencePiece's own library. */
class ByteFallbackGoldenTest {
    @ParameterizedTest
    @ValueSource(strings = {"unigram", "bpe"})
    void everyGoldenEncodingAndDecodingIsMatched(String kind) {
        int texts = 0;
        try (Tokenizer tokenizer = new Tokenizer(GoldenModels.bytes(kind + ".model"))) {
            for (String line : GoldenModels.lines(kind + ".jsonl")) {
                JsonNode golden = GoldenModels.json(line);
                int[] ids = GoldenModels.JSON.convertValue(golden.get("ids"), int[].class);
                if (golden.has("text")) {
                    assertThat(tokenizer.encode(golden.get("text").asText()))
                            .as(line)
                            .isEqualTo(ids);
                    texts++;
                }
                assertThat(tokenizer.decode(ids))
                        .as(line)
                        .isEqualTo(golden.get("decoded").asText());
            }
        }
        assertThat(texts).isGreaterThan(100);
    }

    @Test
    void charactersOfFourBytesAndTheUnknownPieceSurviveSplitting() {
        try (Tokenizer tokenizer = new Tokenizer(GoldenModels.bytes("bpe.model"))) {
            assertThat(tokenizer.split("<sep>\uD83D\uDE00"))
                    .containsExactly("\u2581", "<sep>", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>");
        }
    }

    @Test
    void modelsThatDecodeOtherwiseAreRefusedByName() {
        SentencePieceModel model = SentencePieceModel.parse(GoldenModels.bytes("unigram.model"));
        SentencePieceModel.Trainer trainer = model.trainer();
        SentencePieceModel suffixes = new SentencePieceModel(
                model.pieces(),
                new SentencePieceModel.Trainer(
                        ModelType.UNIGRAM, 500, true, true, 2, -1, 1, 0, trainer.unknownSurface()),
                model.normalizer(),
                false);
        assertThatThrownBy(() -> new Tokenizer(suffixes.toBytes()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("treat_whitespace_as_suffix")
                .hasMessageContaining("trained without");
        SentencePieceModel unpadded = new SentencePieceModel(
                model.pieces(),
                new SentencePieceModel.Trainer(
                        ModelType.UNIGRAM, 500, true, false, 2, -1, 1, -1, trainer.unknownSurface()),
                model.normalizer(),
                false);
        assertThatThrownBy(() -> new Tokenizer(unpadded.toBytes()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("has no <pad> piece");
    }
}
