package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PhiloxTest {
    /** Lines "philox4x32 10" of Random123's file of known answers, {@code kat_vectors}. */
    @ParameterizedTest
    @CsvSource({
        "00000000 00000000 00000000 00000000, 00000000 00000000, 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        "ffffffff ffffffff ffffffff ffffffff, ffffffff ffffffff, 408f276d 41c83b0e a20bc7c6 6d5451fd",
        "243f6a88 85a308d3 13198a2e 03707344, a4093822 299f31d0, d16cfe09 94fdcceb 5001e420 24126ea1"
    })
    void agreesWithThePublishedAnswers(String counter, String key, String expected) {
        int[] c = words(counter);
        int[] k = words(key);
        int[] actual = new int[4];

        Philox.fill(c[0], c[1], c[2], c[3], k[0], k[1], actual, 0);

        assertThat(actual).isEqualTo(words(expected));
    }

    @Test
    void coordinatesAreTheWordsOfCounterAndKey() {
        int[] expected = new int[4];
        Philox.fill(0x76543210, 0x12, 77, 3 << 16 | 5, 0x9abcdef0, 0x12345678, expected, 0);
        Philox philox = new Philox(0x123456789abcdef0L, 3, 77, 5);
        long block = 0x1276543210L;

        for (int word = 0; word < 4; word++) {
            assertThat(philox.bits(4 * block + word)).isEqualTo(expected[word]);
        }
    }

    @Test
    void uniformNumbersHaveTheMomentsOfTheUniformDistribution() {
        Philox philox = RandomStream.DROPOUT.at(1, 2, 3);
        int n = 200_000;
        double sum = 0;
        double squares = 0;
        double lagged = 0;
        int[] bins = new int[16];
        double previous = philox.uniform(n);
        for (int i = 0; i < n; i++) {
            double x = philox.uniform(i);
            assertThat(x).isBetween(0.0, Math.nextDown(1.0));
            sum += x;
            squares += x * x;
            lagged += (x - 0.5) * (previous - 0.5);
            previous = x;
            bins[(int) (16 * x)]++;
        }
        double chiSquare = 0;
        for (int count : bins) {
            chiSquare += Math.pow(count - n / 16.0, 2) / (n / 16.0);
        }
        assertThat(sum / n).isCloseTo(0.5, within(0.003));
        assertThat(squares / n).isCloseTo(1.0 / 3, within(0.003));
        assertThat(lagged / n).isCloseTo(0, within(0.001));
        assertThat(chiSquare).as("15 degrees of freedom, p = 0.001").isLessThan(37.7);
    }

    @Test
    void neighbouringCoordinatesAreUnrelated() {
        Philox[] neighbours = {
            RandomStream.DROPOUT.at(1, 2, 3),
            RandomStream.JITTER.at(1, 2, 3),
            RandomStream.DROPOUT.at(2, 2, 3),
            RandomStream.DROPOUT.at(1, 3, 3),
            RandomStream.DROPOUT.at(1, 2, 4)
        };
        int n = 20_000;
        for (int a = 0; a < neighbours.length; a++) {
            for (int b = a + 1; b < neighbours.length; b++) {
                double correlation = 0;
                for (int i = 0; i < n; i++) {
                    correlation += 12 * (neighbours[a].uniform(i) - 0.5) * (neighbours[b].uniform(i) - 0.5) / n;
                }
                assertThat(correlation).as("%d with %d", a, b).isCloseTo(0, within(0.03));
            }
        }
    }

    @Test
    void refusesCoordinatesThatWouldOverlap() {
        assertThatThrownBy(() -> new Philox(0, 0, 0, 65_536)).hasMessageContaining("layer 65536");
        assertThatThrownBy(() -> new Philox(0, -1, 0, 0)).hasMessageContaining("stream -1");
    }

    @Test
    void streamsKeepTheirIds() {
        assertThat(RandomStream.values())
                .extracting(stream -> stream.name() + "=" + stream.id())
                .containsExactly(
                        "DROPOUT=1",
                        "JITTER=2",
                        "ATTENTION_DROPOUT=3",
                        "EXPERT_DROPOUT=4",
                        "INIT=5",
                        "SPAN_CORRUPTION=6",
                        "SHUFFLE=7",
                        "SAMPLING=8",
                        "BOOTSTRAP=9",
                        "DEMO=10",
                        "ROUTER_SAMPLING=11",
                        "ROUTER_DROPOUT=12",
                        "HASH_ROUTING=13",
                        "UPCYCLING=21");
    }

    private static int[] words(String hex) {
        String[] parts = hex.trim().split(" ");
        int[] words = new int[parts.length];
        for (int i = 0; i < parts.length; i++) {
            words[i] = Integer.parseUnsignedInt(parts[i], 16);
        }
        return words;
    }
}
