package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
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
}
