package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Counts of the released family (ReLU, tied head, d_ff 3072 or 4096), as published with the checkpoints. */
class ParameterCountTest {
    @Test
    void denseBaseAndLarge() {
        assertThat(ParameterSpecs.count(T5Config.builder().build())).isEqualTo(222_903_552L);
        assertThat(ParameterSpecs.count(large().build())).isEqualTo(737_668_096L);
    }

    @ParameterizedTest
    @CsvSource({
        "8, 619339008",
        "16, 1072397568",
        "32, 1978514688",
        "64, 3790748928",
        "128, 7415217408",
        "256, 14664154368"
    })
    void switchBase(int experts, long parameters) {
        T5Config config = T5Config.builder()
                .sparse(SwitchConfig.of(experts, 6, 6, CapacityConfig.perSequence(64)))
                .build();

        assertThat(ParameterSpecs.count(config)).isEqualTo(parameters);
    }

    @Test
    void switchLarge() {
        T5Config config = large().sparse(SwitchConfig.of(128, 12, 12, CapacityConfig.perSequence(64)))
                .build();

        assertThat(ParameterSpecs.count(config)).isEqualTo(26_309_291_008L);
    }

    @Test
    void switchBaseOfEightExpertsHasFourHundredAndFortyEntriesWithItsAliases() {
        T5Config config = T5Config.builder()
                .sparse(SwitchConfig.of(8, 6, 6, CapacityConfig.perSequence(64)))
                .build();

        assertThat(ParameterSpecs.of(config).size()
                        + ParameterSpecs.aliases(config).size())
                .isEqualTo(440);
    }

    @Test
    void expertsAreEntriesOfTheirOwnWithLayerAndIndex() {
        T5Config config = T5Config.builder()
                .sparse(SwitchConfig.of(8, 6, 6, CapacityConfig.perSequence(64)))
                .build();

        assertThat(ParameterSpecs.of(config))
                .filteredOn(spec -> spec.role() == Role.EXPERT)
                .hasSize(2 * 6 * 8 * 2)
                .allSatisfy(spec -> assertThat(spec.name())
                        .startsWith(spec.stack().orElseThrow().key() + ".block." + spec.layer() + ".")
                        .contains(".expert_" + spec.expert() + "."));
        assertThat(ParameterSpecs.of(config))
                .filteredOn(spec -> spec.role() == Role.ROUTER)
                .hasSize(12);
    }

    private static T5Config.Builder large() {
        return T5Config.builder()
                .modelSize(1024)
                .feedForwardSize(4096)
                .heads(16)
                .encoderLayers(24)
                .decoderLayers(24);
    }
}
