package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OneAtATimeTest {
    private static final int THREADS = 8;

    @TempDir
    private Path folder;

    @Test
    void whatAllWantIsMadeOnce() throws Exception {
        Path wanted = folder.resolve("kernels/wanted.bin");
        AtomicInteger made = new AtomicInteger();
        CountDownLatch together = new CountDownLatch(THREADS);
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                all.add(threads.submit(() -> {
                    together.countDown();
                    together.await();
                    try (OneAtATime turn = OneAtATime.of(wanted)) {
                        if (!Files.exists(wanted)) {
                            Thread.sleep(20);
                            made.incrementAndGet();
                            Files.writeString(wanted, "made");
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
        }

        assertThat(made).hasValue(1);
    }

    @Test
    void turnsAreKeptWhereNoFileCanBeLocked() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "no folder");

        try (OneAtATime turn = OneAtATime.of(file.resolve("wanted.bin"))) {
            assertThat(turn).isNotNull();
        }
    }
}
