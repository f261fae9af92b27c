package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicLong seconds = new AtomicLong();

    @Test
    void writesALineEveryTenSecondsWithRateAndRemainingTime() {
        try (Progress progress = progress(300, Progress.Style.LINES)) {
            for (int step = 1; step <= 25; step++) {
                seconds.incrementAndGet();
                progress.detail("loss 3.21");
                progress.advance(2);
            }
        }
        assertThat(lines())
                .containsExactly(
                        "pretrain: 18 of 300 steps (6%), 1.80 steps/s, 2m37s left, loss 3.21",
                        "pretrain: 38 of 300 steps (13%), 1.90 steps/s, 2m18s left, loss 3.21",
                        "pretrain: stopped at 50 of 300 steps (17%) in 25s, 2.00 steps/s, loss 3.21");
    }

    @Test
    void rewritesItsLineOnATerminal() {
        try (Progress progress = progress(2, Progress.Style.TERMINAL)) {
            seconds.incrementAndGet();
            progress.at(1);
            seconds.incrementAndGet();
            progress.at(2);
        }
        assertThat(text())
                .isEqualTo("\rpretrain: 1 of 2 steps (50%), 1.00 steps/s, 1.0s left\u001b[K"
                        + "\rpretrain: 2 of 2 steps (100%), 1.00 steps/s\u001b[K"
                        + "\rpretrain: 2 steps in 2.0s, 1.00 steps/s\u001b[K" + System.lineSeparator());
    }

    @Test
    void whatWasDoneBeforeDoesNotCountInTheRate() {
        try (Progress progress = progress(1000, Progress.Style.LINES)) {
            progress.resumeAt(900);
            seconds.addAndGet(10);
            progress.at(910);
        }
        assertThat(lines().get(0)).isEqualTo("pretrain: 910 of 1,000 steps (91%), 1.00 steps/s, 1m30s left");
    }

    @Test
    void unknownTotalHasNoRemainingTime() {
        try (Progress progress = progress(0, Progress.Style.LINES)) {
            seconds.addAndGet(10);
            progress.at(123_456);
        }
        assertThat(lines())
                .containsExactly(
                        "pretrain: 123,456 steps, 12,346 steps/s", "pretrain: 123,456 steps in 10s, 12,346 steps/s");
    }

    @ParameterizedTest
    @CsvSource({"PT0.04S, 0.0s", "PT9.94S, 9.9s", "PT59.4S, 59s", "PT59.6S, 1m00s", "PT1H59M, 1h59m", "PT50H, 2d02h"})
    void durationsAreRoundedForPeople(Duration duration, String expected) {
        assertThat(DurationText.rounded(duration)).isEqualTo(expected);
    }

    private Progress progress(long total, Progress.Style style) {
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        return new Progress("pretrain", "steps", total, out, style, () -> seconds.get() * 1_000_000_000L);
    }

    private String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private java.util.List<String> lines() {
        return text().lines().toList();
    }
}
