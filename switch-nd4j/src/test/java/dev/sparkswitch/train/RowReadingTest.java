package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.model.T5Config;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class RowReadingTest {
    private static final ShardLayout LAYOUT = new ShardLayout(2, 2, Packing.NONE);
    private static final long SLOW_NANOS = 5_000_000;

    /** Two rows of which the first token is the row's number; takes its time. */
    private static final class SlowRows implements TokenSource {
        @Override
        public TokenBatch read(long firstRow, int rows) {
            long until = System.nanoTime() + SLOW_NANOS;
            while (System.nanoTime() < until) {
                LockSupport.parkNanos(until - System.nanoTime());
            }
            int[][] inputs = new int[rows][];
            int[][] targets = new int[rows][];
            for (int row = 0; row < rows; row++) {
                inputs[row] = new int[] {(int) firstRow + row, 1};
                targets[row] = new int[] {1};
            }
            return TokenBatch.of(LAYOUT, firstRow, inputs, targets);
        }

        @Override
        public ShardLayout layout() {
            return LAYOUT;
        }

        @Override
        public Manifest manifest() {
            throw new UnsupportedOperationException("these rows are of no box");
        }

        @Override
        public long rows() {
            return 2;
        }

        @Override
        public long targetTokens(long firstRow, int rows) {
            return rows;
        }

        @Override
        public void close() {}
    }

    @Test
    void rowsAndTheTimeThatTheyTookAreCounted() {
        T5Config config = T5Config.builder()
                .vocabularySize(50)
                .encoderLayers(1)
                .decoderLayers(1)
                .decoderStartId(0)
                .build();
        RowReading reading = new RowReading(config, 3);
        assertThat(reading.read(new SlowRows(), 20).inputs()).containsExactly(20, 1, 21, 1, 22, 1);
        assertThat(reading.read(new SlowRows(), 30).inputs()).startsWith(30, 1);
        assertThat(reading.rows()).isEqualTo(6);
        assertThat(reading.seconds()).isGreaterThanOrEqualTo(2 * SLOW_NANOS / 1e9);
        assertThat(reading.summary(1, 100))
                .startsWith("reading held rank 1 up for at most 0.")
                .contains("6 rows");
    }
}
