package dev.sparkswitch.tests.survive;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.collective.NettyOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A network that swallows everything without breaking a connection. */
@Timeout(120)
class CutNetworkTest {
    private static final Duration DEADLINE = Duration.ofSeconds(2);

    @TempDir
    Path folder;

    @Test
    void ranksThatCannotReachEachOtherEndWithinTheDeadlineAndTheRunGoesOn() throws IOException {
        Map<String, double[]> wanted =
                new LocalRun(folder.resolve("straight")).on(2).run();
        NettyOptions options = NettyOptions.defaults()
                .withHost("127.0.0.1")
                .withDeadline(DEADLINE)
                .withNeighbours(NettyOptions.Neighbours.TCP)
                .withCauseWait(Duration.ofMillis(200));
        AtomicLong cut = new AtomicLong();
        AtomicLong recovered = new AtomicLong();
        try (BlackHole network = new BlackHole(options)) {
            LocalRun run = new LocalRun(folder.resolve("cut"))
                    .on(2)
                    .withNetwork(network)
                    .withProgress(status -> {
                        if (status.step() == 6 && cut.compareAndSet(0, System.nanoTime())) {
                            network.swallow();
                        } else if (status.step() == 7) {
                            recovered.set(System.nanoTime());
                        }
                    });

            Map<String, double[]> found = run.run();

            assertThat(run.causes()).singleElement().asString().contains("did not end in time");
            assertThat(run.worlds()).containsExactly(2, 2);
            assertThat(Duration.ofNanos(recovered.get() - cut.get())).isLessThan(DEADLINE.plusSeconds(30));
            wanted.forEach(
                    (name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
        }
    }
}
