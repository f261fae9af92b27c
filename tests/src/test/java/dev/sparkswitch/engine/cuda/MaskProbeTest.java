package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The trial that decides whether products take masks. */
final class MaskProbeTest {
    @Test
    void aDeviceThatReadsBitsAsTheyAreMeantPasses() {
        assumeTrue(SimtCompiler.missing().isEmpty(), "skipped: the emulated card cannot be built");
        try (Device device = new EmulatedDevice()) {
            assertThat(MaskProbe.passes(device)).isTrue();
        }
    }

    @Test
    void aDeviceWhoseProductsAreZeroDoesNot() {
        assertThat(MaskProbe.passes(new PlannedDevice())).isFalse();
    }

    @Test
    @Tag("gpu")
    void cublasLtPasses() {
        assumeTrue(CudaCards.missing().isEmpty(), () -> CudaCards.missing().orElse(""));
        try (Device device = new CudaDevice(0)) {
            assertThat(MaskProbe.passes(device)).isTrue();
        }
    }
}
