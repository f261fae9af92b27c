package dev.sparkswitch.base;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people write them: {@code 10m}, {@code 1h30m}, {@code 500ms}. */
final class DurationText {
    private static final Pattern PART = Pattern.compile("(\\d+)(ns|us|ms|s|m|h|d)");

    private enum Unit {
        D(86_400_000_000_000L),
        H(3_600_000_000_000L),
        M(60_000_000_000L),
        S(1_000_000_000L),
        MS(1_000_000L),
        US(1_000L),
        NS(1L);

        final long nanos;

        Unit(long nanos) {
            this.nanos = nanos;
        }

        String symbol() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private DurationText() {}

    /**
     * Reads a duration.
     *
     * @throws IllegalArgumentException if {@code text} is none
     */
    static Duration parse(String text) {
        Matcher matcher = PART.matcher(text);
        Duration sum = Duration.ZERO;
        int end = 0;
        try {
            while (end < text.length() && matcher.find(end) && matcher.start() == end) {
                Unit unit = Unit.valueOf(matcher.group(2).toUpperCase(Locale.ROOT));
                sum = sum.plus(Duration.ofNanos(unit.nanos).multipliedBy(Long.parseLong(matcher.group(1))));
                end = matcher.end();
            }
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "' is too long a duration", e);
        }
        if (end == 0 || end < text.length()) {
            throw new IllegalArgumentException("'" + text + "' is no duration");
        }
        return sum;
    }

    /** The exact duration in the largest unit that it is a whole number of; {@link #parse} reads it back. */
    static String exact(Duration duration) {
        long nanos = duration.toNanos();
        if (nanos == 0) {
            return "0s";
        }
        for (Unit unit : Unit.values()) {
            if (nanos % unit.nanos == 0) {
                return nanos / unit.nanos + unit.symbol();
            }
        }
        throw new InternalException("The duration " + duration + " is no whole number of nanoseconds.");
    }

    /** The duration in its two largest units, or in tenths of a second below ten seconds. */
    static String rounded(Duration duration) {
        if (duration.toMillis() < 10_000) {
            return String.format(Locale.ROOT, "%.1fs", duration.toMillis() / 1000.0);
        }
        long seconds = duration.plusMillis(500).toSeconds();
        if (seconds < 60) {
            return seconds + "s";
        }
        if (seconds < 3600) {
            return String.format(Locale.ROOT, "%dm%02ds", seconds / 60, seconds % 60);
        }
        if (seconds < 86_400) {
            return String.format(Locale.ROOT, "%dh%02dm", seconds / 3600, seconds / 60 % 60);
        }
        return String.format(Locale.ROOT, "%dd%02dh", seconds / 86_400, seconds / 3600 % 24);
    }
}
