package dev.sparkswitch.base;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of memory or storage, such as {@code 64MiB}.
 *
 * @param bytes the amount, at least 0
 */
public record DataSize(long bytes) implements Comparable<DataSize>, Serializable {
    private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)");
    private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB"};
    private static final Map<String, Long> UNITS = Map.of(
            "B", 1L,
            "kB", 1_000L,
            "MB", 1_000_000L,
            "GB", 1_000_000_000L,
            "TB", 1_000_000_000_000L,
            "KiB", 1L << 10,
            "MiB", 1L << 20,
            "GiB", 1L << 30,
            "TiB", 1L << 40);

    public DataSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("A size of " + bytes + " bytes is negative");
        }
    }

    /**
     * Reads a size: a number and one of B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024).
     *
     * @throws IllegalArgumentException if {@code text} is none, or no whole number of bytes below 2^63
     */
    public static DataSize parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no size such as 64MiB");
        }
        try {
            BigDecimal unit = BigDecimal.valueOf(UNITS.get(matcher.group(2)));
            return new DataSize(new BigDecimal(matcher.group(1)).multiply(unit).longValueExact());
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("'" + text + "' is no whole number of bytes below 2^63", e);
        }
    }

    @Override
    public int compareTo(DataSize other) {
        return Long.compare(bytes, other.bytes);
    }

    /** The exact size in the largest binary unit that it is a whole number of; {@link #parse} reads it back. */
    @Override
    public String toString() {
        int unit = bytes == 0 ? 0 : Math.min(Long.numberOfTrailingZeros(bytes) / 10, BINARY.length - 1);
        return (bytes >> 10 * unit) + BINARY[unit];
    }
}
