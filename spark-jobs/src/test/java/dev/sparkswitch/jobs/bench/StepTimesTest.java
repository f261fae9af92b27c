package dev.sparkswitch.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.InternalException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class StepTimesTest {
    /** Steps of 2 s, half a second between the fourth and the fifth, 3 s for the fifth. */
    private static List<String> metrics() {
        List<String> lines = new ArrayList<>();
        double elapsed = 0;
        for (int step = 1; step <= 8; step++) {
            double seconds = step == 5 ? 3 : 2;
            elapsed += seconds + (step == 5 ? 0.5 : 0);
            lines.add(String.format(
                    Locale.ROOT, "{\"step\":%d,\"seconds\":%.3f,\"elapsed\":%.3f}", step, seconds, elapsed));
        }
        return lines;
    }

    @Test
    void whatLiesBetweenStepsIsTheWaitForACheckpoint() {
        StepTimes times = StepTimes.of(metrics(), 2, 4);

        assertThat(times.median()).isEqualTo(2);
        assertThat(times.steps()).isEqualTo(6);
        assertThat(times.seconds()).isEqualTo(13.5, within(1e-9));
        assertThat(times.waits()).hasSize(1);
        assertThat(times.meanWait()).isEqualTo(0.5, within(1e-9));
        assertThat(times.waitShare(100)).as("of 100 steps of 2 s").isEqualTo(0.0025, within(1e-9));
        assertThat(times.excessShare()).as("13.5 s for 12").isEqualTo(0.125, within(1e-9));
    }

    @Test
    void aRunThatWasTakenUpAgainIsNoMeasurement() {
        List<String> lines = new ArrayList<>(metrics());
        lines.add(3, "{\"event\":\"restart\",\"step\":3,\"cause\":\"an executor was lost\"}");

        assertThatThrownBy(() -> StepTimes.of(lines, 2, 4))
                .isInstanceOf(InternalException.class)
                .hasMessageContaining("line 4 of the metrics is not of step 4");
    }
}
