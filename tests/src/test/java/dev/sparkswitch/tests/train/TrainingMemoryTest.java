package dev.sparkswitch.tests.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingMemory;
import dev.sparkswitch.train.TrainingStep;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The memory that a rank is said to need, against what its engine holds after a step. */
class TrainingMemoryTest {
    private static final int ROWS = 8;
    private static final int INPUTS = 64;
    private static final int TARGETS = 32;
    private static final int VOCABULARY = 200;

    @ParameterizedTest
    @CsvSource({"NONE, adafactor, 64", "BRANCHES, adafactor, 64", "NONE, adamw, 256", "BRANCHES, adamw, 256"})
    void whatIsSaidIsWhatIsTaken(Recomputation recomputation, String rule, int width) {
        T5Config config = T5Config.builder()
                .vocabularySize(VOCABULARY)
                .modelSize(width)
                .keySize(16)
                .heads(4)
                .feedForwardSize(2 * width)
                .encoderLayers(4)
                .decoderLayers(4)
                .dropout(0.1)
                .sparse(SwitchConfig.of(4, 2, 2, CapacityConfig.group(2, 1.25, 2.0, 2)))
                .build();
        TrainingConfig training = Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "rows=" + ROWS,
                        "optimizer=" + rule,
                        "recomputation=" + recomputation.name().toLowerCase(Locale.ROOT)));
        ExpertPlacement placement = ExpertPlacement.single(4);
        TrainingMemory said = TrainingMemory.of(config, training, placement, Precision.FLOAT32, INPUTS, TARGETS);
        Parallelism parallelism = new Parallelism(placement, new SingleRank());
        try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                SwitchTransformer model = new SwitchTransformer(engine, config, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, model.parameters().all())) {
            new Initializer(1, 0.1, 1).initialize(model);
            long parameters = 0;
            long gradients = 0;
            for (Parameter parameter : model.parameters().all()) {
                parameters += bytes(parameter.value());
                gradients += bytes(parameter.gradient());
            }
            long state = optimizer.state().stream()
                    .mapToLong(tensor -> bytes(tensor.value()))
                    .sum();
            assertThat(said.parameters()).isEqualTo(parameters);
            assertThat(said.gradients()).isEqualTo(gradients);
            assertThat(said.optimizer()).isEqualTo(state);
            assertThat(said.copies()).isEqualTo(parameters + state);

            TrainingStep step = new TrainingStep(model, parallelism, training, optimizer);
            for (int number = 1; number <= 2; number++) {
                step.run(number, List.of(batch(config)), System.nanoTime(), System.nanoTime());
            }
            double activations = engine.memoryBytes() - parameters - gradients - state;
            assertThat(said.activations() / activations).isBetween(0.7, 2.0);
        }
    }

    @Test
    void aModelBesideTheTrainedOneTakesWhatIsSaid() {
        T5Config config = T5Config.builder()
                .vocabularySize(VOCABULARY)
                .modelSize(128)
                .keySize(16)
                .heads(4)
                .feedForwardSize(256)
                .encoderLayers(4)
                .decoderLayers(4)
                .sparse(SwitchConfig.of(4, 2, 2, CapacityConfig.group(2, 1.25, 2.0, 2)))
                .build();
        ExpertPlacement placement = ExpertPlacement.single(4);
        TrainingMemory alone = TrainingMemory.of(
                config,
                Configs.load(TrainingConfig.class, JsonNodeFactory.instance.objectNode(), List.of("rows=" + ROWS)),
                placement,
                Precision.FLOAT32,
                INPUTS,
                TARGETS);
        long said = alone.with(config, placement, Precision.FLOAT32).bytes() - alone.bytes();
        try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1)) {
            long before = engine.memoryBytes();
            try (SwitchTransformer model =
                    new SwitchTransformer(engine, config, new Parallelism(placement, new SingleRank()))) {
                double taken = model.engine().memoryBytes() - before;
                assertThat(taken / said).isBetween(1.0, 1.02);
            }
        }
    }

    private static long bytes(Tensor tensor) {
        return tensor.size() * tensor.type().bytes();
    }

    private static HostBatch batch(T5Config config) {
        Random random = new Random(3);
        int[][] inputs = new int[ROWS][];
        int[][] mask = new int[ROWS][INPUTS];
        int[][] labels = new int[ROWS][];
        for (int row = 0; row < ROWS; row++) {
            inputs[row] = random.ints(INPUTS, 2, VOCABULARY).toArray();
            Arrays.fill(mask[row], 1);
            labels[row] = random.ints(TARGETS, 2, VOCABULARY).toArray();
        }
        return HostBatch.padded(inputs, mask, labels, config);
    }
}
