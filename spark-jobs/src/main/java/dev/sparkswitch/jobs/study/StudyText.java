package dev.sparkswitch.jobs.study;

import dev.sparkswitch.eval.report.Numbers;
import dev.sparkswitch.eval.study.Comparison;
import java.io.PrintWriter;
import java.util.Locale;

/** A study's results as lines of text. */
final class StudyText {
    private StudyText() {}

    static void print(Comparison comparison, PrintWriter out) {
        out.printf(
                Locale.ROOT,
                "%n  %-20s %14s %10s %12s %10s %10s %10s%n",
                "variant",
                "loss at " + Numbers.count(comparison.step()),
                "best",
                "steps to " + number(comparison.target(), 3),
                "in steps",
                "in time",
                "rows/s");
        for (Comparison.Row row : comparison.rows()) {
            out.printf(
                    Locale.ROOT,
                    "  %-20s %14s %10s %14s %9s %10s %10s%n",
                    row.variant().name(),
                    number(row.lossAtStep(), 4),
                    number(row.best(), 4),
                    number(row.stepsToTarget(), 0),
                    times(row.stepSpeedUp()),
                    times(row.timeSpeedUp()),
                    number(row.rowsPerSecond(), 1));
        }
    }

    /** Terminals of hosts without a locale know ASCII alone. */
    private static String number(double value, int decimals) {
        return Double.isNaN(value) ? "-" : Numbers.decimal(value, decimals);
    }

    private static String times(double value) {
        return number(value, 2) + (Double.isNaN(value) ? "" : "x");
    }
}
