package dev.sparkswitch.tests.survive;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.checkpoint.CheckpointRef;
import dev.sparkswitch.engine.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints that are written beside the training: what they must not hold up, and what must not be lost with them. */
@Timeout(120)
class BackgroundCheckpointTest {
    @TempDir
    Path folder;

    private LocalRun run(String name) {
        return new LocalRun(folder.resolve(name)).on(2);
    }

    private static void assertSameBits(Map<String, double[]> found, Map<String, double[]> wanted) {
        assertThat(found.keySet()).isEqualTo(wanted.keySet());
        wanted.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
    }

    @Test
    void trainingGoesOnWhileACheckpointIsWritten() {
        Map<String, double[]> wanted = run("straight").run();
        // The first checkpoint is not written before the seventh step is done: training that waits never gets there.
        FaultyFiles files = new FaultyFiles();
        files.slowFor(path -> path.getParent().getName().startsWith("step-00000004"));
        AtomicBoolean committedLate = new AtomicBoolean();
        LocalRun run = run("slow");
        run.withFiles(files).withProgress(status -> {
            if (status.step() == 7) {
                committedLate.set(run.store().committed().isEmpty());
                files.open();
            }
        });

        Map<String, double[]> found = run.run();

        assertThat(committedLate).isTrue();
        assertThat(run.worlds()).hasSize(1);
        assertThat(run.store().newestValid()).map(CheckpointRef::step).contains(12L);
        assertSameBits(found, wanted);
    }

    @Test
    void aCheckpointHoldsTheTensorsOfItsStepHoweverLateItIsWritten() {
        Map<String, double[]> wanted = run("straight").run();
        FaultyFiles files = new FaultyFiles();
        files.slowFor(path -> path.getParent().getName().startsWith("step-00000004-a0"));
        AtomicBoolean cut = new AtomicBoolean();
        LocalRun run = run("late").withFiles(files).withProgress(status -> {
            if (status.step() == 7 && cut.compareAndSet(false, true)) {
                files.open();
                throw new ResourceException("the executor is lost");
            }
        });

        Map<String, double[]> found = run.run();

        assertThat(run.causes()).containsExactly("the executor is lost");
        assertThat(run.starts())
                .as("what was on its way when the attempt ended is kept")
                .containsExactly(0L, 4L);
        assertSameBits(found, wanted);
    }

    @Test
    void aFullDiskEndsTheAttemptWithItsCauseAndTheNextGoesOnFromTheCheckpointBefore() throws IOException {
        Map<String, double[]> wanted = run("straight").run();
        AtomicInteger refused = new AtomicInteger();
        FaultyFiles files = new FaultyFiles()
                .fullFor(path -> path.getParent().getName().equals("step-00000008-a0")
                        && path.getName().startsWith("experts-001")
                        && refused.incrementAndGet() > 0);
        LocalRun run = run("full").withFiles(files);

        Map<String, double[]> found = run.run();

        assertThat(run.causes())
                .singleElement()
                .asString()
                .startsWith("Cannot write file:")
                .endsWith("(No space left on device): check the disk's space and your rights.");
        assertThat(folder.resolve("full/checkpoints/step-00000008-a0"))
                .as("half a checkpoint takes no space")
                .doesNotExist();
        assertSameBits(found, wanted);
        assertThat(run.curve().stream().filter(line -> !line.has("event")).map(line -> line.path("step")
                        .asLong()))
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 12).boxed().toList());
    }

    @Test
    void aWriterOfAFormerAttemptCannotDamageTheNewOne() {
        Map<String, double[]> wanted = run("straight").run();
        // Rank 1 of the first attempt hangs in its part of the second checkpoint until the next attempt is nearly done.
        FaultyFiles files = new FaultyFiles();
        files.slowFor(path -> path.getParent().getName().equals("step-00000008-a0")
                && path.getName().startsWith("experts-001"));
        AtomicBoolean cut = new AtomicBoolean();
        LocalRun run = run("late").withFiles(files).withProgress(status -> {
            if (status.step() == 9 && cut.compareAndSet(false, true)) {
                throw new ResourceException("the executor is lost");
            }
            if (status.step() == 11 && cut.get()) {
                files.open();
            }
        });

        Map<String, double[]> found = run.run();

        assertThat(run.worlds()).hasSize(2);
        assertThat(run.store().committed().stream().map(ref -> ref.folder().getName()))
                .containsExactly("step-00000012-a1", "step-00000008-a1");
        assertThat(run.store().newestValid()).map(CheckpointRef::step).contains(12L);
        assertSameBits(found, wanted);
    }

    @Test
    void aRunGoesOnOverFewerRanksWhereALostOneIsNotReplaced() {
        Map<String, double[]> wanted =
                run("straight").in(Precision.FLOAT64).on(4).run();
        AtomicBoolean cut = new AtomicBoolean();
        LocalRun run = run("fewer")
                .in(Precision.FLOAT64)
                .on(4)
                .atLeastOn(2)
                .withExecutors(attempt -> attempt == 0 ? 4 : 3)
                .withProgress(status -> {
                    if (status.step() == 6 && cut.compareAndSet(false, true)) {
                        throw new ResourceException("the executor is lost");
                    }
                });

        Map<String, double[]> found = run.run();

        assertThat(run.worlds()).containsExactly(4, 2);
        wanted.forEach((name, values) -> {
            for (int i = 0; i < values.length; i++) {
                assertThat(found.get(name)[i]).as(name).isCloseTo(values[i], org.assertj.core.data.Offset.offset(1e-9));
            }
        });
    }
}
