package dev.sparkswitch.jobs.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Precision;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EngineSettingsTest {
    private static EngineSettings settings(EngineKind kind, Precision precision) {
        return new EngineSettings(kind, Optional.ofNullable(precision), 2);
    }

    @Test
    void oneRankTakesWhatWasAskedFor() {
        for (EngineKind kind : EngineKind.values()) {
            assertThat(settings(kind, null).inWorldOf(1)).isEqualTo(settings(kind, null));
        }
    }

    @Test
    void severalRanksComputeOnTheProcessor() {
        assertThat(settings(EngineKind.AUTO, null).inWorldOf(2)).isEqualTo(settings(EngineKind.ND4J, null));
        assertThat(settings(EngineKind.ND4J, Precision.FLOAT64).inWorldOf(4))
                .isEqualTo(settings(EngineKind.ND4J, Precision.FLOAT64));
    }

    @Test
    void severalRanksOnCardsAreRefused() {
        for (EngineSettings asked : new EngineSettings[] {
            settings(EngineKind.CUDA, null),
            settings(EngineKind.CUDA, Precision.FLOAT32),
            settings(EngineKind.AUTO, Precision.BF16)
        }) {
            assertThatThrownBy(() -> asked.inWorldOf(2))
                    .isInstanceOf(UserException.class)
                    .hasMessage("the engine cuda trains with one rank, and there are 2: set cluster.ranks=1, or"
                            + " engine.kind=nd4j and float32");
        }
    }
}
