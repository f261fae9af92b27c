package dev.sparkswitch.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.cuda.CudaCards;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which cards ND4J's CUDA backend is let loose on. */
class Nd4jCardTest {
    @ParameterizedTest
    @ValueSource(ints = {37, 61, 86, 89})
    void cardsThatItHasMachineCodeFor(int capability) {
        assertThatNoException().isThrownBy(() -> Nd4jCard.requireRunsOn("a card", capability));
    }

    @Test
    void aNewerCardIsSentToTheEngineCuda() {
        assertThatThrownBy(() -> Nd4jCard.requireRunsOn("NVIDIA H100 80GB HBM3", 90))
                .isInstanceOf(ResourceException.class)
                .hasMessage("ND4J's CUDA library runs on compute capabilities 3.7 to 8.9, and the card NVIDIA H100 80GB"
                        + " HBM3 has 9.0: take the sparkswitch.jar that is built without the Maven profile nd4j-cuda and"
                        + " choose the engine cuda");
    }

    @Test
    void anOlderCardIsLeftToTheProcessor() {
        assertThatThrownBy(() -> Nd4jCard.requireRunsOn("Tesla K40", 35))
                .isInstanceOf(ResourceException.class)
                .hasMessageEndingWith("and choose the engine nd4j");
    }

    @Test
    void withoutADriverItSaysWhichCardsNeedWhat() {
        assumeTrue(CudaCards.missing().isPresent(), "skipped: there is a card here");

        assertThatThrownBy(Nd4jCard::open)
                .isInstanceOf(ResourceException.class)
                .hasMessageMatching(
                        "(?s)(ND4J's CUDA library cannot be loaded \\(.+\\): for cards of compute capability 3.7"
                                + " to 8.9 install .*, for newer ones .* choose the engine cuda|NVIDIA's driver finds no card .*)");
    }

    @Test
    void theOrdinaryClassPathHasNd4jsProcessorBackend() {
        assertThat(Nd4jCard.isHere()).isFalse();
        assertThat(HostLibrary.here().name()).isEqualTo("CpuBackend");
    }
}
