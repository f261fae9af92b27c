package dev.sparkswitch.jobs.bench;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The table of {@link DataBenchmark}. */
final class DataReport {
    private static final double MEGA = 1e6;

    private final PrintWriter out;
    private final Map<DataBenchmark.Stage, SortedMap<Integer, Double>> rates = new TreeMap<>();
    private double rawSum;
    private int raws;

    DataReport(PrintWriter out) {
        this.out = out;
    }

    void head() {
        out.printf(
                "%-22s %5s %8s %8s %8s %10s %10s %10s %9s  %s%n",
                "stage", "cores", "MB", "s", "MB/s", "MB/core-s", "MB/task-s", "heap MiB", "all MiB", "items");
    }

    /**
     * @param taskSeconds processor time of the tasks alone, 0 where there are none
     * @param items what the stage went through, in the unit's plural
     */
    void line(
            DataBenchmark.Stage stage,
            int cores,
            long bytes,
            Usage usage,
            double taskSeconds,
            long items,
            String unit) {
        double megabytes = bytes / MEGA;
        rates.computeIfAbsent(stage, any -> new TreeMap<>()).put(cores, megabytes / usage.seconds());
        out.printf(
                Locale.ROOT,
                "%-22s %5d %8.1f %8.1f %8.2f %10.2f %10s %10d %9d  %,.0f %s/s%n",
                name(stage),
                cores,
                megabytes,
                usage.seconds(),
                megabytes / usage.seconds(),
                megabytes / usage.coreSeconds(),
                taskSeconds == 0 ? "" : String.format(Locale.ROOT, "%.2f", megabytes / taskSeconds),
                usage.heapBytes() >> 20,
                usage.residentBytes() >> 20,
                items / usage.seconds(),
                unit);
        out.flush();
    }

    /** @param rate of raw SentencePiece, MB a second of one thread */
    void raw(double rate) {
        rawSum += rate;
        raws++;
        out.printf(Locale.ROOT, "%-22s %5d %8s %8s %8s %10.2f%n", "raw SentencePiece", 1, "", "", "", rate);
        out.flush();
    }

    /** What share of raw SentencePiece's rate {@code rate} is, by the mean of those measured since the last one. */
    void share(double rate) {
        out.printf(
                Locale.ROOT,
                "  a core in tasks of batch does %.0f%% of raw SentencePiece%n",
                100 * rate * raws / rawSum);
        out.flush();
        rawSum = 0;
        raws = 0;
    }

    /** How many times the rate on the fewest cores each stage had on more of them, by the clock. */
    void scaling() {
        rates.forEach((stage, byCores) -> {
            int fewest = byCores.firstKey();
            byCores.tailMap(fewest + 1)
                    .forEach((cores, rate) -> out.printf(
                            Locale.ROOT,
                            "  %s: %.2f times the rate on %d cores that it has on %d%n",
                            name(stage),
                            rate / byCores.get(fewest),
                            cores,
                            fewest));
        });
        out.flush();
    }

    void note(String text) {
        out.println("  " + text);
        out.flush();
    }

    private static String name(DataBenchmark.Stage stage) {
        return stage.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
