package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The emulated card finds the mistakes that a card answers with wrong numbers or not at all. */
final class SimtTest {
    private static final int THREADS = 64;

    private EmulatedDevice device;
    private long numbers;

    @BeforeAll
    static void needsACompiler() {
        assumeTrue(
                SimtCompiler.missing().isEmpty(), () -> SimtCompiler.missing().orElse(""));
    }

    @BeforeEach
    void open() {
        device = new EmulatedDevice();
        numbers = device.allocate(THREADS * Integer.BYTES);
    }

    @AfterEach
    void close() {
        device.close();
    }

    private int[] run(String kernel, Object... values) {
        device.launch(device.kernel("mistakes", DType.BFLOAT16, kernel), Launch.of(2, THREADS), Arguments.of(values));
        ByteBuffer bytes = ByteBuffer.allocateDirect(THREADS * Integer.BYTES).order(ByteOrder.nativeOrder());
        device.download(numbers, bytes);
        int[] found = new int[THREADS];
        bytes.asIntBuffer().get(found);
        return found;
    }

    @Test
    void threadsTradeNumbersThroughBarriersAndShuffles() {
        int[] found = run("turned", numbers);
        for (int i = 0; i < THREADS; i++) {
            // Turned within the block, then within the warp.
            assertThat(found[i]).isEqualTo(THREADS - 1 - (i ^ 1));
        }
    }

    @Test
    void aThreadThatLeavesBeforeTheBarrierIsTold() {
        assertThatThrownBy(() -> run("leaves_early", numbers))
                .hasMessageContaining("leaves_early")
                .hasMessageContaining("thread 5 ended")
                .hasMessageContaining("waits at __syncthreads");
    }

    @Test
    void barriersOfDifferentLinesAreTold() {
        assertThatThrownBy(() -> run("two_barriers", numbers)).hasMessageContaining("while thread");
    }

    @Test
    void aLaneThatMissesAShuffleIsTold() {
        assertThatThrownBy(() -> run("missing_lane", numbers)).hasMessageContaining("waits at __shfl_xor_sync");
    }

    @Test
    void aWriteBeyondTheEndIsTold() {
        assertThatThrownBy(() -> run("beyond", numbers)).hasMessageContaining("beyond the end of a block of 256 bytes");
    }

    @Test
    void aMisalignedWideLoadIsTold() {
        assertThatThrownBy(() -> run("misaligned", numbers)).hasMessageContaining("an access of 16 bytes");
    }

    @Test
    void aCopyThatNobodyWaitsForHasNotHappened() {
        assertThat(run("forgets_to_wait", numbers, 0)).doesNotContain(1);
        assertThat(run("forgets_to_wait", numbers, 1)).containsOnly(1);
    }

    @Test
    void wrongArgumentsAreTold() {
        assertThatThrownBy(() -> run("turned", numbers, 1)).hasMessageContaining("takes parameters p, not li");
    }
}
