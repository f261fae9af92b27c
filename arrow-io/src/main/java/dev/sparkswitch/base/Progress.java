package dev.sparkswitch.base;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Tells the person who waits how far a stage is, how fast it goes and how long it will still take. Writes to stderr: one
 * line that is rewritten on a terminal, otherwise a line every ten seconds. Safe for use by several threads.
 */
public final class Progress implements AutoCloseable {
    /** How lines are shown. */
    enum Style {
        TERMINAL,
        LINES
    }

    private static final long TERMINAL_INTERVAL = Duration.ofMillis(200).toNanos();
    private static final long LINES_INTERVAL = Duration.ofSeconds(10).toNanos();
    private static final long SAMPLE_INTERVAL = Duration.ofSeconds(1).toNanos();
    /** The rate is that of the last minute: the first steps are slow and would spoil the remaining time for long. */
    private static final int SAMPLES = 60;

    private record Sample(long nanos, long done) {}

    private final String stage;
    private final String unit;
    private final long total;
    private final PrintStream out;
    private final Style style;
    private final LongSupplier clock;
    private final ArrayDeque<Sample> samples = new ArrayDeque<>();
    private Sample start;
    private long done;
    private long printed;
    private String detail = "";
    private boolean closed;

    Progress(String stage, String unit, long total, PrintStream out, Style style, LongSupplier clock) {
        this.stage = stage;
        this.unit = unit;
        this.total = total;
        this.out = out;
        this.style = style;
        this.clock = clock;
        resumeAt(0);
    }

    /**
     * Begins a stage.
     *
     * @param stage its name, such as {@code pretrain}
     * @param unit what is counted, in the plural, such as {@code steps}
     * @param total how many there are; 0 if unknown
     */
    public static Progress start(String stage, String unit, long total) {
        Progress progress = new Progress(
                stage, unit, total, System.err, isTerminal() ? Style.TERMINAL : Style.LINES, System::nanoTime);
        progress.print();
        return progress;
    }

    /** Says that {@code position} were done before this stage began, so that they do not count in its rate. */
    public synchronized void resumeAt(long position) {
        done = position;
        start = new Sample(clock.getAsLong(), position);
        samples.clear();
        samples.add(start);
    }

    /** Counts {@code count} more. */
    public synchronized void advance(long count) {
        at(done + count);
    }

    /** Says that {@code position} are done in all. */
    public synchronized void at(long position) {
        done = position;
        tick();
    }

    /** Says that {@code position} are done in all and what the text about it is; see {@link #detail}. */
    public synchronized void at(long position, String text) {
        detail = text;
        at(position);
    }

    /** Sets a short text that ends the line, such as {@code loss 3.21}. */
    public synchronized void detail(String text) {
        detail = text;
        tick();
    }

    /** Ends the stage with a line that says what was done in which time. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        Sample now = new Sample(clock.getAsLong(), done);
        String amount = total > done ? "stopped at " + amount() : String.format(Locale.ROOT, "%,d %s", done, unit);
        String time = DurationText.rounded(Duration.ofNanos(now.nanos - start.nanos));
        show(stage + ": " + amount + " in " + time + rate(start, now) + tail());
        if (style == Style.TERMINAL) {
            out.println();
        }
    }

    private void tick() {
        long now = clock.getAsLong();
        if (now - samples.getLast().nanos >= SAMPLE_INTERVAL) {
            samples.add(new Sample(now, done));
            if (samples.size() > SAMPLES) {
                samples.removeFirst();
            }
        }
        if (!closed && now - printed >= (style == Style.TERMINAL ? TERMINAL_INTERVAL : LINES_INTERVAL)) {
            print();
        }
    }

    private synchronized void print() {
        Sample now = new Sample(clock.getAsLong(), done);
        printed = now.nanos;
        show(stage + ": " + amount() + rate(samples.getFirst(), now) + remaining(samples.getFirst(), now) + tail());
    }

    private void show(String line) {
        if (style == Style.TERMINAL) {
            out.print("\r" + line + "\u001b[K");
            out.flush();
        } else {
            out.println(line);
        }
    }

    private String amount() {
        if (total <= 0) {
            return String.format(Locale.ROOT, "%,d %s", done, unit);
        }
        return String.format(Locale.ROOT, "%,d of %,d %s (%d%%)", done, total, unit, Math.round(100.0 * done / total));
    }

    private String rate(Sample from, Sample to) {
        double rate = perSecond(from, to);
        if (rate <= 0) {
            return "";
        }
        int decimals = rate < 10 ? 2 : rate < 100 ? 1 : 0;
        return String.format(Locale.ROOT, ", %,." + decimals + "f %s/s", rate, unit);
    }

    private String remaining(Sample from, Sample to) {
        double rate = perSecond(from, to);
        if (rate <= 0 || total <= done) {
            return "";
        }
        return ", " + DurationText.rounded(Duration.ofMillis((long) (1000 * (total - done) / rate))) + " left";
    }

    private String tail() {
        return detail.isEmpty() ? "" : ", " + detail;
    }

    private static double perSecond(Sample from, Sample to) {
        return to.nanos == from.nanos ? 0 : 1e9 * (to.done - from.done) / (to.nanos - from.nanos);
    }

    /** Whether stderr is a terminal; Java can only tell of stdin and stdout together, Linux of each. */
    private static boolean isTerminal() {
        try {
            Path target = Files.readSymbolicLink(Path.of("/proc/self/fd/2"));
            return target.startsWith("/dev/pts") || target.toString().startsWith("/dev/tty");
        } catch (IOException | UnsupportedOperationException e) {
            return System.console() != null;
        }
    }
}
