package dev.sparkswitch.tests.survive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.Rollback;
import dev.sparkswitch.engine.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A gradient that is no number: the run goes back to its checkpoint and round the batch that brought it. */
class DivergenceTest {
    private static final long POISONED_BATCH = 6;

    @TempDir
    Path folder;

    private LocalRun poisoned(String name, Set<Long> rows, String... settings) {
        return new LocalRun(folder.resolve(name), settings)
                .withRows(source -> new Rows(1000, rows))
                .withEngine(PoisonedEngine::of);
    }

    /** A run that never saw the batch. */
    private LocalRun without(String name, long firstBatch, long lastBatch) {
        LocalRun run = new LocalRun(folder.resolve(name));
        run.store().add(new Rollback(1, firstBatch, lastBatch, "left out from the beginning"));
        return run;
    }

    private static Set<Long> rowOf(long batch) {
        return Set.of(batch * LocalRun.ROWS + 9);
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {1, 2, 4})
    void theRunEndsAsOneThatNeverSawTheBatch(int ranks) throws IOException {
        Map<String, double[]> wanted = without("without", POISONED_BATCH, POISONED_BATCH)
                .in(Precision.FLOAT64)
                .run();
        LocalRun run = poisoned("poisoned", rowOf(POISONED_BATCH))
                .in(Precision.FLOAT64)
                .on(ranks);

        Map<String, double[]> found = run.run();

        assertThat(run.worlds()).containsExactly(ranks, ranks);
        assertThat(run.causes())
                .singleElement()
                .asString()
                .matches("training diverged \\(loss .* gradient norm NaN at"
                        + " step 7: numbers that are not finite first come out of tokenLossGradient with"
                        + " shared.weight \\(\\d+ NaN and 0 infinite in FLOAT64\\[\\d+, 16\\]\\)"
                        + (ranks == 1 ? "" : " on rank \\d")
                        + "\\): it goes back to a checkpoint and leaves out batch 6, for the first of at most 3 times");
        assertThat(run.store().rollbacks()).singleElement().satisfies(rollback -> {
            assertThat(rollback.step()).isEqualTo(POISONED_BATCH + 1);
            assertThat(rollback.firstBatch()).isEqualTo(POISONED_BATCH);
            assertThat(rollback.lastBatch()).isEqualTo(POISONED_BATCH);
        });
        assertThat(found.keySet()).isEqualTo(wanted.keySet());
        wanted.forEach((name, values) ->
                assertThat(distance(found.get(name), values)).as(name).isLessThan(1e-9));
        assertThat(run.curve().stream().map(line -> line.path("step").asLong()))
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 12).boxed().toList());
    }

    @Test
    void aNormThatComesWithTheUpdateTurnsTheRunBackAsWell() throws IOException {
        Map<String, double[]> wanted = without("without", POISONED_BATCH, POISONED_BATCH)
                .in(Precision.FLOAT64)
                .run();
        LocalRun run = new LocalRun(folder.resolve("updated"))
                .withRows(source -> new Rows(1000, rowOf(POISONED_BATCH)))
                .withEngine(PoisonedEngine::thatUpdatesFirst)
                .in(Precision.FLOAT64);

        Map<String, double[]> found = run.run();

        assertThat(run.causes()).singleElement().asString().contains("gradient norm NaN at step 7");
        wanted.forEach((name, values) ->
                assertThat(distance(found.get(name), values)).as(name).isLessThan(1e-9));
    }

    private static double distance(double[] found, double[] wanted) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
            difference += (found[i] - wanted[i]) * (found[i] - wanted[i]);
            norm += wanted[i] * wanted[i];
        }
        return Math.sqrt(difference / norm);
    }

    @Test
    void harmThatShowsAgainInTheSameStretchCostsAllItsBatches() {
        Set<Long> rows = new HashSet<>(rowOf(5));
        rows.addAll(rowOf(7));
        Map<String, double[]> wanted = without("without", 4, 7).run();
        LocalRun run = poisoned("poisoned", rows);

        Map<String, double[]> found = run.run();

        assertThat(run.store().rollbacks().stream()
                        .map(rollback -> rollback.firstBatch() + " to " + rollback.lastBatch()))
                .containsExactly("5 to 5", "4 to 7");
        wanted.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
    }

    @Test
    void aRunThatKeepsDivergingGivesUpAndKeepsItsCheckpoint() {
        Set<Long> rows = new HashSet<>();
        LongStream.range(6 * LocalRun.ROWS, 1000).forEach(rows::add);
        LocalRun run = poisoned("poisoned", rows, "divergence.rollbacks=2");

        assertThatThrownBy(run::run)
                .isInstanceOf(UserException.class)
                .hasMessageMatching(
                        "Training diverged: loss .* at step [56]: numbers .*, after 2 times of going back\\. Lower"
                                + " learning-rate\\.rate, .*");
        assertThat(run.worlds()).hasSize(3);
        assertThat(run.store().newestValid())
                .hasValueSatisfying(ref -> assertThat(ref.step()).isEqualTo(4));

        // A new submission does not begin to count anew.
        LocalRun again = poisoned("poisoned", rows, "divergence.rollbacks=2");
        assertThatThrownBy(again::run).hasMessageContaining("after 2 times of going back");
        assertThat(again.worlds()).hasSize(1);
    }

    @Test
    void whatWasLeftOutStaysSoForARunThatIsTakenUpAgain() {
        Map<String, double[]> wanted =
                without("without", POISONED_BATCH, POISONED_BATCH).run();
        AtomicBoolean cut = new AtomicBoolean();
        LocalRun run = poisoned("poisoned", rowOf(POISONED_BATCH)).withProgress(status -> {
            if (status.step() == 10 && cut.compareAndSet(false, true)) {
                throw new ResourceException("the executor is lost");
            }
        });

        Map<String, double[]> found = run.run();

        assertThat(run.causes()).hasSize(2).last().isEqualTo("the executor is lost");
        assertThat(run.store().rollbacks()).hasSize(1);
        wanted.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
    }
}
