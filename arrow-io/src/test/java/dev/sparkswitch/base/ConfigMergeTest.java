package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Settings over settings. */
class ConfigMergeTest {
    record Job(String input, Schedule schedule, Course course, List<String> names) {}

    record Schedule(@Setting("100") long steps, Optional<Warmth> warmth) {}

    record Warmth(@Setting("10") long up, @Setting("20") long down) {}

    @Choice("kind")
    sealed interface Course {
        record Constant(@Setting("0.1") double rate) implements Course {}

        record WarmUp(
                @Setting("0.1") double rate, @Setting("10") int steps) implements Course {}
    }

    private static JsonNode yaml(String text) {
        return Configs.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), "a file");
    }

    private static JsonNode merged(String below, String above) {
        return Configs.merged(Job.class, yaml(below), yaml(above));
    }

    @Test
    void sectionsBecomeOneAndAllElseIsReplaced() {
        assertThat(merged(
                        "{input: a, schedule: {steps: 5, warmth: {up: 1, down: 2}}, names: [x, y]}",
                        "{schedule: {warmth: {down: 3}}, names: [z]}"))
                .isEqualTo(yaml("{input: a, schedule: {steps: 5, warmth: {up: 1, down: 3}}, names: [z]}"));
    }

    @Test
    void nullTakesAnOptionalSectionAway() {
        assertThat(merged("{schedule: {warmth: {up: 1}}}", "{schedule: {warmth: null}}"))
                .isEqualTo(yaml("{schedule: {warmth: null}}"));
    }

    @Test
    void aSectionOverTheNameOfAFileKeepsTheFile() {
        assertThat(merged("{schedule: slow.yaml}", "{schedule: {steps: 7}}"))
                .isEqualTo(yaml("{schedule: {file: slow.yaml, steps: 7}}"));
    }

    @Test
    void anotherRecordOfAChoiceTakesNothingFromTheOneBelow() {
        assertThat(merged("{course: {kind: warm-up, steps: 5}}", "{course: {kind: constant, rate: 1}}"))
                .isEqualTo(yaml("{course: {kind: constant, rate: 1}}"));
        assertThat(merged("{course: {kind: warm-up, steps: 5}}", "{course: {rate: 1}}"))
                .isEqualTo(yaml("{course: {rate: 1, kind: warm-up, steps: 5}}"));
    }

    @Test
    void whatIsMergedIsLeftAsItWas() {
        JsonNode below = yaml("{schedule: {steps: 5}}");
        JsonNode above = yaml("{schedule: {steps: 6}}");

        Configs.merged(Job.class, below, above);

        assertThat(below).isEqualTo(yaml("{schedule: {steps: 5}}"));
        assertThat(above).isEqualTo(yaml("{schedule: {steps: 6}}"));
    }
}
