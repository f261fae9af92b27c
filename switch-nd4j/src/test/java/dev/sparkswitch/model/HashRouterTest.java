package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HashRouterTest {
    @Test
    void everyExpertHasTheSameNumberOfIdsOrOneMore() {
        for (int experts : new int[] {1, 3, 8, 128}) {
            int[] counts = new int[experts];
            for (int expert : HashRouter.table(32_128, experts, Stack.ENCODER, 1)) {
                counts[expert]++;
            }
            assertThat(counts).containsOnly(32_128 / experts, (32_128 + experts - 1) / experts);
        }
    }

    /** Tables are not stored with a model: another table would be another model. */
    @Test
    void tablesNeverChange() {
        // Made by an implementation of Philox and the shuffle in another language.
        assertThat(HashRouter.table(13, 4, Stack.ENCODER, 1)).containsExactly(3, 2, 2, 1, 3, 1, 0, 0, 2, 0, 3, 1, 0);
        assertThat(HashRouter.table(13, 4, Stack.DECODER, 1)).containsExactly(3, 1, 2, 3, 2, 0, 0, 3, 2, 1, 0, 0, 1);
    }

    @Test
    void layersHaveTablesOfTheirOwn() {
        assertThat(HashRouter.table(64, 8, Stack.ENCODER, 3)).isNotEqualTo(HashRouter.table(64, 8, Stack.ENCODER, 1));
    }
}
