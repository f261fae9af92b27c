package dev.sparkswitch.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.model.T5Config;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class StepFlopsTest {
    private static T5Config model(String name) {
        return Configs.load(T5Config.class, Path.of("../conf/models/paper/" + name + ".yaml"), List.of());
    }

    /** Table 9: FLOPs a sequence, of 512 inputs and 114 targets. */
    @ParameterizedTest
    @CsvSource({
        "t5-base, 124e9",
        "t5-large, 425e9",
        "t5-xxl, 6.3e12",
        "switch-base, 124e9",
        "switch-large, 425e9",
        "switch-xxl, 6.3e12",
        "switch-c, 890e9"
    })
    void thePapersTableIsMetWithinFivePercent(String name, double flops) {
        assertThat(StepFlops.asInThePaper(model(name), 512, 114)).isCloseTo(flops, withinPercentage(5));
    }

    @ParameterizedTest
    @CsvSource({"switch-base, t5-base", "switch-large, t5-large", "switch-xxl, t5-xxl"})
    void aSwitchModelTakesAsManyOperationsAsItsDenseTwinToAPercent(String sparse, String dense) {
        assertThat(StepFlops.of(model(sparse), 1, 512, 114))
                .isCloseTo(StepFlops.of(model(dense), 1, 512, 114), withinPercentage(1));
    }
}
