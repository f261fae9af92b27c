package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GradientArenaTest {
    @Test
    void blocksHoldAllGradientsAndNothingElse() {
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                GradientArena arena = new GradientArena(engine, DType.FLOAT64, 6 + 4 + 20 + 5, 10)) {
            List<Tensor> gradients = List.of(arena.take(2, 3), arena.take(4), arena.take(4, 5), arena.take(5));
            for (int i = 0; i < gradients.size(); i++) {
                engine.fill(gradients.get(i), i + 1);
            }
            // The third is larger than a block; the last finds room for itself alone.
            assertThat(arena.blocks()).extracting(Tensor::size).containsExactly(10L, 20L, 5L);
            assertThat(engine.sumSquares(arena.blocks())).isEqualTo(6 + 4 * 4 + 20 * 9 + 5 * 16);
        }
    }

    @Test
    void aBlocksUnusedEndIsLeftOut() {
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                GradientArena arena = new GradientArena(engine, DType.FLOAT64, 7 + 8, 10)) {
            arena.take(7);
            arena.take(2, 4);
            assertThat(arena.blocks()).extracting(Tensor::size).containsExactly(7L, 8L);
        }
    }

    @Test
    void whatIsCompleteIsTakenFromTheEndInPiecesThatDoNotDependOnWhenOneAsks() {
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                GradientArena arena = new GradientArena(engine, DType.FLOAT64, 14, 10)) {
            for (int size : new int[] {5, 2, 1, 2, 3, 1}) {
                engine.fill(arena.take(size), size);
            }
            arena.begin();
            assertThat(arena.takeComplete(1)).isEmpty();
            List<Tensor> atEachStep = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                arena.completeLast();
                atEachStep.addAll(arena.takeComplete(3 * Double.BYTES));
            }
            arena.begin();
            for (int i = 0; i < 6; i++) {
                arena.completeLast();
            }
            List<Tensor> atTheEnd = arena.takeComplete(3 * Double.BYTES);

            // The second block holds 3 and 1; of the first the end is cut where it reaches 3 elements.
            assertThat(atEachStep).extracting(Tensor::size).containsExactly(4L, 3L, 7L);
            assertThat(atTheEnd).extracting(Tensor::size).containsExactly(4L, 3L, 7L);
            assertThat(atEachStep)
                    .extracting(piece -> engine.sumSquares(List.of(piece)))
                    .containsExactly(28.0, 9.0, 133.0);
            assertThat(arena.takeComplete(1)).isEmpty();
        }
    }
}
