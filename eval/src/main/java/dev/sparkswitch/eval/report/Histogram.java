package dev.sparkswitch.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Counts by size in bins that double: bin 0 holds sizes below 1, bin b sizes from 2^(b-1) to 2^b - 1. A few dozen numbers
 * tell the lengths of any number of texts, and histograms of parts add up.
 */
public final class Histogram {
    /** Enough for every int. */
    public static final int BINS = 32;

    private Histogram() {}

    /** The bin that {@code size} falls into. */
    public static int bin(long size) {
        return size < 1 ? 0 : Math.min(BINS - 1, Long.SIZE - Long.numberOfLeadingZeros(size));
    }

    /** A series of a histogram: its name and the count of each bin. */
    public record Series(String name, long[] counts) {
        public Series {
            if (counts.length != BINS) {
                throw new IllegalArgumentException("a histogram has " + BINS + " bins, not " + counts.length);
            }
        }
    }

    /**
     * The histogram as upright bars, from the first bin that holds anything to the last; nothing if none does.
     *
     * @param size what the bins measure, such as {@code characters}
     * @param counted what is counted, such as {@code documents}
     */
    public static List<Block> blocks(
            String title, String note, Chart.Width width, String size, String counted, List<Series> series) {
        int first = BINS;
        int last = -1;
        for (Series one : series) {
            for (int bin = 0; bin < BINS; bin++) {
                if (one.counts()[bin] > 0) {
                    first = Math.min(first, bin);
                    last = Math.max(last, bin);
                }
            }
        }
        if (last < 0) {
            return List.of();
        }
        List<String> categories = new ArrayList<>();
        for (int bin = first; bin <= last; bin++) {
            categories.add(label(bin));
        }
        List<Chart.Bars> bars = new ArrayList<>();
        for (Series one : series) {
            double[] values = new double[categories.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = one.counts()[first + i];
            }
            bars.add(new Chart.Bars(one.name(), values));
        }
        String reading = "Each bar: from this many " + size + " to less than twice as many.";
        return List.of(Chart.bars(
                title,
                note.isEmpty() ? reading : note + " " + reading,
                width,
                new Chart.Axis(counted, Chart.Format.COUNT),
                categories,
                bars));
    }

    private static String label(int bin) {
        if (bin == 0) {
            return "0";
        }
        long low = 1L << (bin - 1);
        if (low < 1024) {
            return Long.toString(low);
        }
        return low < 1 << 20
                ? String.format(Locale.ROOT, "%d k", low >> 10)
                : String.format(Locale.ROOT, "%d M", low >> 20);
    }
}
