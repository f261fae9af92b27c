package dev.sparkswitch.jobs.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EngineSettingsTest {
    private static EngineSettings settings(EngineKind kind, Precision precision) {
        return new EngineSettings(kind, Optional.ofNullable(precision), 1);
    }

    @Test
    void aProcessorTakesProductsAloneInBf16() {
        assertThat(settings(EngineKind.ND4J, Precision.BF16).processorPrecision())
                .isEqualTo(Precision.BF16_PRODUCTS);
        assertThat(settings(EngineKind.ND4J, null).processorPrecision()).isEqualTo(Precision.FLOAT32);
        assertThat(settings(EngineKind.ND4J, Precision.FLOAT64).processorPrecision())
                .isEqualTo(Precision.FLOAT64);
    }

    @Test
    void whatAnEngineCannotComputeInIsRefusedWithWhatItCan() {
        assertThatThrownBy(() -> settings(EngineKind.CUDA, Precision.FLOAT64))
                .hasMessage(
                        "the engine cuda computes in bf16 or float32: choose one of them, or kind nd4j for float64");
        assertThatThrownBy(() -> settings(EngineKind.AUTO, Precision.BF16_PRODUCTS))
                .hasMessage(
                        "products in bf16 on a processor are kind nd4j with precision bf16, not a precision of their"
                                + " own");
    }

    @Test
    void bf16WithoutItsLibrarySaysWhereToGetIt() {
        assumeTrue(
                EngineSettingsTest.class.getResource("/org/bytedeco/dnnl/global/dnnl.class") == null,
                "skipped: built with the profile onednn");

        try (Engine engine = settings(EngineKind.ND4J, Precision.FLOAT32).open(new RankResources(1, 0))) {
            assertThat(engine.description()).doesNotContain("bf16");
        }
        assertThatThrownBy(() -> settings(EngineKind.ND4J, Precision.BF16).open(new RankResources(1, 0)))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("build the jar with the Maven profile onednn");
    }

    @Test
    void whatIsChosenComesWithTheReason() {
        EngineSettings exact = settings(EngineKind.AUTO, Precision.FLOAT64);
        assertThat(reason(exact)).isEqualTo("auto, and the engine cuda has no float64");
        assertThat(reason(settings(EngineKind.ND4J, null))).isEqualTo("the engine nd4j is asked for");
        assertThat(reason(settings(EngineKind.AUTO, null)))
                .matches("auto, and (there is a CUDA card"
                        + "|the engine cuda does not run, .+: (install .+, or )?choose the engine nd4j)");
    }

    private static String reason(EngineSettings settings) {
        EngineSettings.Choice choice = settings.choose(new RankResources(1, 0));
        choice.engine().close();
        return choice.reason();
    }
}
