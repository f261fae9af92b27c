package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Precision;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What is said on hosts that the CUDA engine does not run on. */
class CudaRequirementsTest {
    @Test
    void withoutADriverItSaysWhatToInstall() {
        Assumptions.assumeTrue(CudaCards.missing().isPresent(), "skipped: there is a card here");

        assertThatThrownBy(() -> CudaEngine.open(Precision.BF16, 0))
                .isInstanceOf(ResourceException.class)
                .hasMessageMatching(
                        "(the CUDA libraries cannot be loaded \\(.+\\): install an NVIDIA driver from 580 on and"
                                + " CUDA 13's libcudart, libnvrtc and libcublasLt|there is no CUDA card on this machine:)"
                                + ".* choose the engine nd4j");
    }

    @Test
    void anOldDriverIsNamedByTheCudaThatItSupports() {
        assertThatThrownBy(() -> CudaRequirements.driver(12_090))
                .isInstanceOf(ResourceException.class)
                .hasMessage(
                        "the NVIDIA driver supports CUDA 12.9, and this engine needs 13.0: install a driver from 580"
                                + " on, or choose the engine nd4j");
        assertThatNoException().isThrownBy(() -> CudaRequirements.driver(13_000));
    }

    @Test
    void aCardBeforeAmpereIsNamed() {
        assertThatThrownBy(() -> CudaRequirements.card("Tesla V100", 70))
                .isInstanceOf(ResourceException.class)
                .hasMessage(
                        "the card Tesla V100 has compute capability 7.0, and this engine needs 8.0 (Ampere) or later:"
                                + " choose the engine nd4j");
        assertThatNoException().isThrownBy(() -> CudaRequirements.card("A100", 80));
    }

    @Test
    void aCardBeyondTheLastOneIsRefused() {
        assertThatThrownBy(() -> CudaRequirements.number(2, 2))
                .isInstanceOf(UserException.class)
                .hasMessage(
                        "this process sees 2 CUDA cards, and number 2 (from 0) is asked for: lower cluster.first-card,"
                                + " cluster.ranks or a study's side-by-side, or see CUDA_VISIBLE_DEVICES");
        assertThatNoException().isThrownBy(() -> CudaRequirements.number(1, 2));
    }

    @Test
    void bindingsThatNd4jsCudaBackendNeedsAreNotThoseOfThisEngine() {
        assertThatThrownBy(() -> CudaRequirements.bindings("11.6-8.3-1.5.7"))
                .isInstanceOf(ResourceException.class)
                .hasMessage(
                        "this installation has the bindings of CUDA 11.6 (Maven profile nd4j-cuda), and the engine cuda"
                                + " needs those of CUDA 13: take the sparkswitch.jar that is built without the profile, or choose"
                                + " the engine nd4j");
        assertThatNoException().isThrownBy(() -> CudaRequirements.bindings("13.1-9.19-1.5.13"));
    }
}
