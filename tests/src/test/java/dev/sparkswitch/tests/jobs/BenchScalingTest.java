package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.jobs.InProcess;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bench scaling} with ranks of this process. */
class BenchScalingTest {
    private static final String BENCH = "bench scaling --set place=host engine.kind=nd4j model.vocabulary-size=100"
            + " model.model-size=16 model.key-size=4 model.feed-forward-size=32 model.encoder-layers=2"
            + " model.decoder-layers=2 model.sparse.experts=2 model.sparse.sparse-encoder-layers=1"
            + " model.sparse.sparse-decoder-layers=1 model.sparse.capacity.group-rows=2 batch=4 inputs=16 targets=8"
            + " warm-up=2 steps=6 checkpoint-every=4 ";

    @TempDir
    Path folder;

    @Test
    void eachRankHasItsExpertsAndTokensHoweverManyThereAre() {
        InProcess outcome = TinyPipeline.run(folder, BENCH + "ranks=[1,2] folder=@");

        assertThat(outcome.code()).as(outcome.err()).isZero();
        assertThat(outcome.out().lines().toList())
                .satisfiesExactly(
                        one -> assertThat(one)
                                .matches(
                                        "1 rank, [0-9,]+ parameters, 2 experts: .* ms a step \\(median of 6\\), .* of a rank,"
                                                + " 100\\.0% of the first run's"),
                        stall -> assertThat(stall).matches("  1 checkpoint: training waited .* ms, .*% of 4 steps; .*"),
                        two -> assertThat(two).startsWith("2 ranks, ").contains(" 4 experts: "),
                        stall -> assertThat(stall).startsWith("  1 checkpoint: "));
    }

    @Test
    void ranksThatCannotBeAreRefused() {
        assertThat(TinyPipeline.run(folder, BENCH + "ranks=[0] folder=@").err())
                .contains("ranks [0] must name one number or more, each at least 1");
    }
}
