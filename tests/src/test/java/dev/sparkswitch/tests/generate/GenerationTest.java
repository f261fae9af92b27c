package dev.sparkswitch.tests.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.generate.EarlyStopping;
import dev.sparkswitch.generate.GenerationConfig;
import dev.sparkswitch.generate.Generator;
import dev.sparkswitch.generate.Mode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What models write under all settings. */
class GenerationTest {
    private static JsonNode goldens() throws IOException {
        return new ObjectMapper()
                .readTree(TinyModel.fixture("generation/beams.json").toFile())
                .get("cases");
    }

    static List<String> goldenCases() throws IOException {
        List<String> names = new ArrayList<>();
        goldens().fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static GenerationConfig settings(JsonNode run) {
        int beams = run.get("num_beams").asInt();
        return new GenerationConfig(
                beams == 1 ? Mode.GREEDY : Mode.BEAM,
                beams,
                run.get("length_penalty").asDouble(),
                EarlyStopping.valueOf(run.get("early_stopping").asText().toUpperCase(Locale.ROOT)),
                1,
                0,
                1,
                0,
                run.get("no_repeat_ngram_size").asInt(),
                run.get("min_length").asInt(),
                run.get("max_length").asInt());
    }

    @ParameterizedTest
    @MethodSource("goldenCases")
    void tokensAreThoseOfTransformers(String name) throws IOException {
        int checked = 0;
        for (JsonNode run : goldens().get(name)) {
            try (TinyModel tiny =
                    new TinyModel(name, Precision.FLOAT32, run.get("eos").asInt())) {
                int[][] found = Generator.generate(tiny.model, tiny.batch(), new long[tiny.rows()], settings(run));
                for (int row = 0; row < found.length; row++) {
                    assertThat(Arrays.toString(found[row]))
                            .as("%s, row %s", run, row)
                            .isEqualTo(new ObjectMapper()
                                    .convertValue(run.get("sequences").get(row), List.class)
                                    .toString());
                    checked++;
                }
            }
        }
        assertThat(checked).isPositive();
    }

    private static final List<GenerationConfig> MODES = List.of(
            GenerationConfig.greedy(12),
            new GenerationConfig(Mode.BEAM, 3, 0.8, EarlyStopping.FALSE, 1, 0, 1, 0, 0, 0, 13),
            new GenerationConfig(Mode.BEAM, 4, 1, EarlyStopping.TRUE, 1, 0, 1, 0, 2, 4, 13),
            new GenerationConfig(Mode.SAMPLE, 1, 1, EarlyStopping.FALSE, 1.2, 20, 0.95, 7, 0, 0, 13));

    /** In native routing a row alone, among others, in another order and under more padding gets the same. */
    @ParameterizedTest
    @ValueSource(strings = {"switch-tiny-group", "switch-tiny-group-top2", "switch-tiny", "t5-tiny"})
    void aRowDoesNotHangOnItsNeighbours(String name) {
        for (GenerationConfig settings : MODES) {
            try (TinyModel tiny = new TinyModel(name, Precision.FLOAT64, 4)) {
                int rows = tiny.rows();
                int[] order = new int[4 * rows];
                long[] ids = new long[order.length];
                for (int i = 0; i < order.length; i++) {
                    order[i] = (5 * i + 1) % rows;
                    ids[i] = 1000 + order[i];
                }
                int longest = 0;
                for (int row = 0; row < rows; row++) {
                    longest = Math.max(longest, tiny.length(row));
                }
                int[][] together = Generator.generate(tiny.model, tiny.batch(longest + 5, order), ids, settings);
                for (int i = 0; i < order.length; i++) {
                    int[][] alone = Generator.generate(
                            tiny.model, tiny.batch(tiny.length(order[i]), order[i]), new long[] {ids[i]}, settings);
                    assertThat(together[i]).as("%s, row %s", settings, order[i]).containsExactly(alone[0]);
                }
            }
        }
    }

    @Test
    void samplesHangOnSeedAndRowId() {
        try (TinyModel tiny = new TinyModel("switch-tiny", Precision.FLOAT32, 1)) {
            int[][] first = Generator.generate(tiny.model, tiny.batch(14, 0, 0), new long[] {1, 2}, sampling(7));
            int[][] again = Generator.generate(tiny.model, tiny.batch(14, 0, 0), new long[] {2, 1}, sampling(7));
            int[][] other = Generator.generate(tiny.model, tiny.batch(14, 0, 0), new long[] {1, 2}, sampling(8));
            assertThat(again[1]).containsExactly(first[0]);
            assertThat(again[0]).containsExactly(first[1]);
            assertThat(first[0]).isNotEqualTo(first[1]);
            assertThat(other[0]).isNotEqualTo(first[0]);
        }
    }

    private static GenerationConfig sampling(long seed) {
        return new GenerationConfig(Mode.SAMPLE, 1, 1, EarlyStopping.FALSE, 1.5, 0, 1, seed, 0, 0, 20);
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "FLOAT64"})
    void aSecondBatchTakesNoMoreMemory(Precision precision) {
        try (TinyModel tiny = new TinyModel("switch-tiny", precision, 4)) {
            GenerationConfig settings =
                    new GenerationConfig(Mode.BEAM, 4, 1, EarlyStopping.FALSE, 1, 0, 1, 0, 0, 0, 13);
            Generator.generate(tiny.model, tiny.batch(), new long[tiny.rows()], settings);
            long before = tiny.model.engine().memoryBytes();
            Generator.generate(tiny.model, tiny.batch(), new long[tiny.rows()], settings);
            assertThat(tiny.model.engine().memoryBytes()).isEqualTo(before);
        }
    }

    @Test
    void moreBeamsThanTheVocabularyHoldsAreRefused() {
        try (TinyModel tiny = new TinyModel("switch-tiny", Precision.FLOAT32, 1)) {
            GenerationConfig settings =
                    new GenerationConfig(Mode.BEAM, 5000, 1, EarlyStopping.FALSE, 1, 0, 1, 0, 0, 0, 13);
            assertThatThrownBy(() -> Generator.generate(tiny.model, tiny.batch(), new long[tiny.rows()], settings))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("beams is 5000, but a vocabulary of")
                    .hasMessageContaining("lower beams");
        }
    }
}
