package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenBatchesTest {
    private static final int START = 3;
    private static final int NOTHING = HostBatch.IGNORED;

    private static T5Config model(CapacityConfig capacity) {
        return T5Config.builder()
                .vocabularySize(50)
                .encoderLayers(1)
                .decoderLayers(1)
                .decoderStartId(START)
                .sparse(SwitchConfig.of(2, 1, 1, capacity))
                .build();
    }

    private static final T5Config NATIVE = model(CapacityConfig.group(1, 1, 1, 1));

    @Test
    void theDecoderReadsTheTargetsShiftedRight() {
        HostBatch batch;
        try (TokenBatch tokens = TokenBatch.of(
                new ShardLayout(4, 3, Packing.NONE), 1L << 40, new int[][] {{11, 12}, {21, 22, 23, 24}}, new int[][] {
                    {31, 1}, {41, 42, 1}
                })) {
            batch = TokenBatches.toHost(tokens, NATIVE);
        }
        assertThat(batch.rows()).isEqualTo(2);
        assertThat(batch.firstRow()).isEqualTo(1L << 40);
        assertThat(batch.inputs()).containsExactly(11, 12, 0, 0, 21, 22, 23, 24);
        assertThat(batch.inputKeySegments()).containsExactly(1, 1, 0, 0, 1, 1, 1, 1);
        assertThat(batch.decoderInputs()).containsExactly(START, 31, 0, START, 41, 42);
        assertThat(batch.targets()).containsExactly(31, 1, NOTHING, 41, 42, 1);
        assertThat(batch.targetKeySegments()).containsExactly(1, 1, 0, 1, 1, 1);
        assertThat(batch.targetTokens()).isEqualTo(5);
        assertThat(batch.routedInputs()).isEqualTo(6);
        assertThat(batch.routedTargets()).isEqualTo(5);
    }

    @Test
    void everySegmentStartsAnew() {
        HostBatch batch;
        try (TokenBatch tokens = TokenBatch.ofPacked(
                new ShardLayout(5, 6, Packing.SEGMENTS),
                0,
                List.of(List.of(new int[] {11, 12}, new int[] {13, 14})),
                List.of(List.of(new int[] {31, 32}, new int[] {41, 42, 43})))) {
            batch = TokenBatches.toHost(tokens, NATIVE);
        }
        assertThat(batch.inputQuerySegments()).containsExactly(1, 1, 2, 2, 0);
        assertThat(batch.decoderInputs()).containsExactly(START, 31, START, 41, 42, 0);
        assertThat(batch.targets()).containsExactly(31, 32, 41, 42, 43, NOTHING);
        assertThat(batch.targetQuerySegments()).containsExactly(1, 1, 2, 2, 2, 0);
        assertThat(batch.targetRouted()).containsExactly(1, 1, 1, 1, 1, 0);
    }

    @Test
    void paddingIsRoutedWhereTheModelWantsIt() {
        try (TokenBatch tokens =
                TokenBatch.of(new ShardLayout(3, 2, Packing.NONE), 0, new int[][] {{11}}, new int[][] {{1}})) {
            HostBatch batch = TokenBatches.toHost(tokens, model(CapacityConfig.perSequence(2)));
            assertThat(batch.inputRouted()).containsExactly(1, 1, 1);
            assertThat(batch.targetRouted()).containsExactly(1, 1);
            assertThat(batch.targets()).containsExactly(1, NOTHING);
        }
    }
}
