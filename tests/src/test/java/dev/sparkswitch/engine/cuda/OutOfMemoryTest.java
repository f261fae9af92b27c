package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A card whose memory holds a model but not a step of it. */
final class OutOfMemoryTest {
    private static final int ROWS = 8;

    @Test
    void aStepThatDoesNotFitSaysWhatWouldTakeLess() {
        assumeTrue(SimtCompiler.missing().isEmpty(), "skipped: the emulated card cannot be built");
        T5Config config = T5Config.builder()
                .vocabularySize(40)
                .modelSize(16)
                .keySize(8)
                .heads(2)
                .feedForwardSize(32)
                .encoderLayers(1)
                .decoderLayers(1)
                .build();
        TrainingConfig training = Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of("rows=" + ROWS, "steps=1", "learning-rate.rate=0.01"));
        Parallelism parallelism = new Parallelism(ExpertPlacement.single(1), new SingleRank());
        EmulatedDevice device = new EmulatedDevice();
        try (Engine engine = new CudaEngine(device, Precision.BF16);
                SwitchTransformer model = new SwitchTransformer(engine, config, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, model.parameters().all())) {
            new Initializer(1, 1, 1).initialize(model);
            TrainingStep step = new TrainingStep(model, parallelism, training, optimizer);
            HostBatch batch = HostBatch.padded(rowsOf(3), rowsOf(1), rowsOf(3), config);
            device.leave(10_000);

            assertThatThrownBy(() -> step.run(1, List.of(batch), 0, 0))
                    .isInstanceOf(ResourceException.class)
                    .hasMessageContaining("has no room for a tensor")
                    .hasMessageContaining("the rest is for 8 rows at a time: accumulation=2 makes them 4,"
                            + " recomputation=branches keeps less of each.");
        }
    }

    private static int[][] rowsOf(int number) {
        int[][] rows = new int[ROWS][12];
        for (int[] row : rows) {
            Arrays.fill(row, number);
        }
        return rows;
    }
}
