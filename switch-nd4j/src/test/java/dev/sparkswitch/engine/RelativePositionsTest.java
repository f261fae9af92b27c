package dev.sparkswitch.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.RelativePositions.Direction;
import org.junit.jupiter.api.Test;

class RelativePositionsTest {
    /** The first distances of the buckets past the exact ones, in Hugging Face's T5 with 32 buckets up to 128. */
    private static final int[] ENCODER_FIRST = {8, 12, 16, 23, 32, 46, 64, 91};

    private static final int[] DECODER_FIRST = {16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113};

    private static final int LENGTH = 400;

    private static int wanted(int distance, int exact, int[] first) {
        if (distance < exact) {
            return distance;
        }
        int bucket = exact;
        while (bucket - exact + 1 < first.length && distance >= first[bucket - exact + 1]) {
            bucket++;
        }
        return bucket;
    }

    @Test
    void theEncodersBucketsAreThoseOfTheTable() {
        RelativePositions positions = new RelativePositions(0, LENGTH, LENGTH, 32, 128, Direction.BOTH);
        for (int distance = 0; distance < LENGTH; distance++) {
            int bucket = wanted(distance, 8, ENCODER_FIRST);
            assertThat(positions.bucket(distance, 0)).as("%s before", distance).isEqualTo(bucket);
            assertThat(positions.bucket(0, distance))
                    .as("%s after", distance)
                    .isEqualTo(distance == 0 ? 0 : bucket + 16);
        }
    }

    @Test
    void theDecodersBucketsAreThoseOfTheTableAndLaterKeysShareTheFirst() {
        RelativePositions positions = new RelativePositions(0, LENGTH, LENGTH, 32, 128, Direction.BACKWARD);
        for (int distance = 0; distance < LENGTH; distance++) {
            assertThat(positions.bucket(distance, 0))
                    .as("%s before", distance)
                    .isEqualTo(wanted(distance, 16, DECODER_FIRST));
            assertThat(positions.bucket(0, distance)).as("%s after", distance).isZero();
        }
    }

    @Test
    void aLaterQuerySeesTheSameDistances() {
        RelativePositions all = new RelativePositions(0, LENGTH, LENGTH, 32, 128, Direction.BACKWARD);
        RelativePositions late = new RelativePositions(200, 3, LENGTH, 32, 128, Direction.BACKWARD);
        for (int query = 0; query < 3; query++) {
            for (int key = 0; key < LENGTH; key++) {
                assertThat(late.bucket(query, key)).isEqualTo(all.bucket(200 + query, key));
            }
        }
    }

    @Test
    void bucketsStayInTheTableForEverySize() {
        for (int buckets : new int[] {4, 6, 32, 64}) {
            for (Direction direction : Direction.values()) {
                RelativePositions positions = new RelativePositions(0, 300, 300, buckets, buckets / 2 + 1, direction);
                for (int query = 0; query < 300; query += 7) {
                    for (int key = 0; key < 300; key++) {
                        assertThat(positions.bucket(query, key)).isBetween(0, buckets - 1);
                    }
                }
            }
        }
    }
}
