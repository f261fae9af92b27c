package dev.sparkswitch.eval.report;

import java.util.Locale;

/** Numbers as people read them: thousands separated, as many digits as mean something. */
public final class Numbers {
    private Numbers() {}

    /** A count, such as {@code 17,597}. */
    public static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** A number with a fixed number of decimals; a dash where there is none. */
    public static String decimal(double value, int decimals) {
        return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, "%,." + decimals + "f", value);
    }

    /** A share as a percentage with one decimal; two below 1%. */
    public static String percent(double share) {
        double percent = 100 * share;
        return decimal(percent, percent == 0 ? 0 : Math.abs(percent) < 1 ? 2 : 1) + "%";
    }

    /** A duration, such as {@code 3 min 12 s}; its parts never part at a line break. */
    public static String duration(double seconds) {
        long whole = Math.round(seconds);
        if (whole < 60) {
            return seconds < 10 ? decimal(seconds, 1) + "\u00A0s" : whole + "\u00A0s";
        }
        if (whole < 3600) {
            return whole / 60 + "\u00A0min\u00A0" + whole % 60 + "\u00A0s";
        }
        return count(whole / 3600) + "\u00A0h\u00A0" + whole % 3600 / 60 + "\u00A0min";
    }
}
