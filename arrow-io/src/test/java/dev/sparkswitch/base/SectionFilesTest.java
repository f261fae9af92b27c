package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Sections that are given by the names of their files. */
class SectionFilesTest {
    record Job(String input, Schedule schedule) {}

    record Schedule(@Setting("100") long steps, Optional<Warmth> warmth) {}

    record Warmth(@Setting("10") long up, @Setting("20") long down) {}

    private static final SectionFiles FILES = name -> switch (name) {
        case "slow.yaml" -> Optional.of(yaml("{steps: 500, warmth: {up: 50, down: 60}}"));
        case "list.yaml" -> Optional.of(yaml("[1, 2]"));
        default -> Optional.empty();
    };

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private static JsonNode yaml(String text) {
        return Configs.read(stream(text), "a file");
    }

    private static Schedule schedule(String yaml, String... overrides) {
        return Configs.load(Job.class, stream(yaml), "job.yaml", List.of(overrides), FILES)
                .schedule();
    }

    private static Schedule of(long steps, long up, long down) {
        return new Schedule(steps, Optional.of(new Warmth(up, down)));
    }

    @Test
    void aSectionMayLieInAFileOfItsOwn() {
        assertThat(schedule("{input: x, schedule: slow.yaml}")).isEqualTo(of(500, 50, 60));
        assertThat(schedule("{input: x}", "schedule=slow.yaml")).isEqualTo(of(500, 50, 60));
    }

    @Test
    void whatIsSaidBesideTheFileCountsMore() {
        assertThat(schedule("{input: x, schedule: {file: slow.yaml, steps: 7}}"))
                .isEqualTo(of(7, 50, 60));
        assertThat(schedule("{input: x, schedule: {file: slow.yaml, warmth: {up: 7}}}"))
                .isEqualTo(of(500, 7, 60));
        assertThat(schedule("{input: x, schedule: slow.yaml}", "schedule.warmth.up=8"))
                .isEqualTo(of(500, 8, 60));
        assertThat(schedule("{input: x}", "schedule=slow.yaml", "schedule.steps=60"))
                .isEqualTo(of(60, 50, 60));
    }

    @Test
    void aFileThatHoldsNoSectionIsRefused() {
        assertThatThrownBy(() -> schedule("{input: x, schedule: fast.yaml}"))
                .isInstanceOf(UserException.class)
                .hasMessage("In job.yaml: schedule: there is no file 'fast.yaml'; correct its name, or give a section");
        assertThatThrownBy(() -> schedule("{input: x, schedule: list.yaml}"))
                .hasMessageContaining("[1,2] is no section");
        assertThatThrownBy(
                        () -> Configs.load(Job.class, stream("{input: x, schedule: slow.yaml}"), "job.yaml", List.of()))
                .hasMessageContaining("there is no file 'slow.yaml'");
    }
}
