package dev.sparkswitch.eval.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MetricsLogTest {
    private static MetricsLog read(String... lines) throws IOException {
        return MetricsLog.read(new BufferedReader(new StringReader(String.join("\n", lines))), "metrics.jsonl");
    }

    @Test
    void numbersThatALineLacksAreNaN() throws IOException {
        StepMetrics step =
                read("{\"step\":3,\"loss\":2.5,\"heldout-text-loss\":4.5,\"layers\":[{\"name\":\"encoder 1\",\"load\":[0.25,0.75]}]}")
                        .steps()
                        .get(0);
        assertThat(step.step()).isEqualTo(3);
        assertThat(step.loss()).isEqualTo(2.5);
        assertThat(step.heldOutTextLoss()).isEqualTo(4.5);
        assertThat(step.heldOutLoss()).isNaN();
        assertThat(step.layers().get(0).load()).containsExactly(0.25, 0.75);
        assertThat(step.layers().get(0).dropped()).isNaN();
    }

    @Test
    void everyExpertOfALayerIsRead() throws IOException {
        StepMetrics.Layer layer =
                read("{\"step\":1,\"layers\":[{\"name\":\"e\",\"experts-per-token\":1.5,\"experts\":{\"taken\":[1,0.5],"
                                + "\"dropped\":[0,0.25],\"entropy\":[0.75,1],\"confidence\":[0.5,0.125]}}]}")
                        .steps()
                        .get(0)
                        .layers()
                        .get(0);
        assertThat(layer.expertsPerToken()).isEqualTo(1.5);
        assertThat(layer.experts().taken()).containsExactly(1.0, 0.5);
        assertThat(layer.experts().dropped()).containsExactly(0.0, 0.25);
        assertThat(layer.experts().entropy()).containsExactly(0.75, 1.0);
        assertThat(layer.experts().confidence()).containsExactly(0.5, 0.125);
    }

    @Test
    void stepsUndoneByARestartAreForgotten() throws IOException {
        MetricsLog log = read(
                "{\"step\":1,\"loss\":3}",
                "{\"step\":2,\"loss\":9}",
                "{\"step\":3,\"loss\":9}",
                "{\"event\":\"restart\",\"step\":2,\"cause\":\"executor lost\"}",
                "{\"step\":2,\"loss\":2}");
        assertThat(log.steps()).extracting(StepMetrics::loss).containsExactly(3.0, 2.0);
        assertThat(log.events()).containsExactly(new MetricsLog.Event("restart", 2, "executor lost"));
    }

    @Test
    void timeIsThatOfAllAttemptsWhoseStepsCount() throws IOException {
        MetricsLog log = read(
                "{\"step\":1,\"seconds\":0.5,\"elapsed\":0.5}",
                "{\"step\":10,\"seconds\":0.5,\"elapsed\":6}",
                "{\"step\":20,\"seconds\":0.5,\"elapsed\":12}",
                "{\"event\":\"restart\",\"step\":11,\"cause\":\"executor lost\"}",
                "{\"step\":11,\"seconds\":0.5,\"elapsed\":1}",
                "{\"step\":20,\"seconds\":0.5,\"elapsed\":5}");
        assertThat(log.seconds()).isEqualTo(11);
    }

    @Test
    void aLastLineCutOffIsForgotten() throws IOException {
        assertThat(read("{\"step\":1,\"loss\":3}", "{\"step\":2,\"lo").steps()).hasSize(1);
    }

    @Test
    void aDamagedLineInTheMiddleIsNamed() {
        assertThatThrownBy(() -> read("{\"step\":1}", "{\"step\":", "{\"step\":3}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("metrics.jsonl, line 2");
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatThrownBy(() -> MetricsLog.read(Path.of("/nowhere/metrics.jsonl")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("/nowhere/metrics.jsonl");
    }
}
