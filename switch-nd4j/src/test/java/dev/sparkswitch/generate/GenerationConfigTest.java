package dev.sparkswitch.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.UserException;
import java.util.List;
import org.junit.jupiter.api.Test;

class GenerationConfigTest {
    private static GenerationConfig load(String... overrides) {
        return Configs.load(GenerationConfig.class, JsonNodeFactory.instance.objectNode(), List.of(overrides));
    }

    @Test
    void defaultsAreGreedy() {
        assertThat(load())
                .isEqualTo(new GenerationConfig(Mode.GREEDY, 1, 1, EarlyStopping.FALSE, 1, 0, 1, 0, 0, 0, 128));
    }

    @Test
    void everyKeyIsRead() {
        assertThat(load(
                        "mode=beam",
                        "beams=4",
                        "length-penalty=0.6",
                        "early-stopping=true",
                        "seed=9",
                        "no-repeat-ngram=3",
                        "min-length=5",
                        "max-length=60"))
                .isEqualTo(new GenerationConfig(Mode.BEAM, 4, 0.6, EarlyStopping.TRUE, 1, 0, 1, 9, 3, 5, 60));
        assertThat(load("mode=sample", "temperature=0.7", "top-k=50", "top-p=0.9"))
                .isEqualTo(new GenerationConfig(Mode.SAMPLE, 1, 1, EarlyStopping.FALSE, 0.7, 50, 0.9, 0, 0, 0, 128));
    }

    @Test
    void settingsSurviveTheirTree() {
        GenerationConfig settings = load("mode=beam", "beams=4", "early-stopping=true");
        assertThat(Configs.load(GenerationConfig.class, Configs.toTree(settings), List.of()))
                .isEqualTo(settings);
    }

    @Test
    void allContradictionsAreToldAtOnce() {
        assertThatThrownBy(() -> load(
                        "beams=4",
                        "early-stopping=never",
                        "length-penalty=2",
                        "temperature=0.5",
                        "top-p=1.5",
                        "min-length=9",
                        "max-length=5"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("beams is 4, which has a meaning in mode beam alone, but mode is greedy")
                .hasMessageContaining("early-stopping is never")
                .hasMessageContaining("length-penalty is 2.0")
                .hasMessageContaining("temperature is 0.5, which has a meaning in mode sample alone")
                .hasMessageContaining("top-p is 1.5 but must be above 0 and at most 1")
                .hasMessageContaining("min-length 9 exceeds max-length 5");
    }

    @Test
    void aBeamSearchNeedsBeams() {
        assertThatThrownBy(() -> load("mode=beam")).hasMessageContaining("set beams to 2 or more");
    }
}
