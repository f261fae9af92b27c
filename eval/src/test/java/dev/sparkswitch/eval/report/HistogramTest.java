package dev.sparkswitch.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class HistogramTest {
    @Test
    void binsDouble() {
        assertThat(new long[] {0, 1, 2, 3, 4, 7, 8, 1023, 1024, Integer.MAX_VALUE, Long.MAX_VALUE})
                .satisfies(sizes -> assertThat(java.util.Arrays.stream(sizes).mapToInt(Histogram::bin))
                        .containsExactly(0, 1, 2, 2, 3, 3, 4, 10, 11, 31, 31));
    }

    @Test
    void barsReachFromTheFirstFilledBinToTheLast() {
        long[] counts = new long[Histogram.BINS];
        counts[Histogram.bin(100)] = 3;
        counts[Histogram.bin(2000)] = 1;
        List<Block> blocks = Histogram.blocks(
                "Lengths",
                "",
                Chart.Width.FULL,
                "characters",
                "documents",
                List.of(new Histogram.Series("read", counts)));
        assertThat(blocks).singleElement().isInstanceOfSatisfying(Chart.class, chart -> {
            assertThat(chart.data().get("categories").toString()).isEqualTo("[\"64\",\"128\",\"256\",\"512\",\"1 k\"]");
            assertThat(chart.data().at("/series/0/values").toString()).isEqualTo("[3.0,0.0,0.0,0.0,1.0]");
        });
    }

    @Test
    void nothingCountedIsNotDrawn() {
        assertThat(Histogram.blocks(
                        "Lengths",
                        "",
                        Chart.Width.FULL,
                        "characters",
                        "documents",
                        List.of(new Histogram.Series("read", new long[Histogram.BINS]))))
                .isEmpty();
    }
}
