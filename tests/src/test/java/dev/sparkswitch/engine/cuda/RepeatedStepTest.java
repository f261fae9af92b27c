package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Training steps ask for the same again: the same operations at the same addresses, by the same plans. Where one did not, it would be
 * started one by one, and what was made for it made anew in every step.
 */
class RepeatedStepTest {
    /** The first is not quite like the others. */
    private static final int STEPS = QueuedDevice.ENOUGH + 2;

    private static final int ROWS = 4;
    private static final int INPUTS = 12;
    private static final int TARGETS = 8;
    private static final T5Config MODEL = T5Config.builder()
            .vocabularySize(40)
            .modelSize(32)
            .keySize(8)
            .heads(4)
            .feedForwardSize(64)
            .encoderLayers(2)
            .decoderLayers(2)
            .dropout(0.1)
            .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1.25, 2.0, 1)))
            .build();

    private EmulatedDevice card;

    @BeforeEach
    void open() {
        assumeTrue(
                SimtCompiler.missing().isEmpty(), () -> SimtCompiler.missing().orElse(""));
        card = new EmulatedDevice();
    }

    private static HostBatch batch(int seed) {
        Random random = new Random(seed);
        int[][] inputs = new int[ROWS][];
        int[][] attention = new int[ROWS][INPUTS];
        int[][] targets = new int[ROWS][];
        for (int row = 0; row < ROWS; row++) {
            inputs[row] = random.ints(INPUTS, 2, 40).toArray();
            targets[row] = random.ints(TARGETS, 2, 40).toArray();
            Arrays.fill(attention[row], 1);
        }
        return HostBatch.padded(inputs, attention, targets, MODEL).startingAt((long) seed * ROWS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"optimizer=adafactor", "optimizer=adamw", "accumulation=2", "recomputation=branches"})
    void onceItHasComeOftenEnoughAStepIsGraphsAlone(String setting) {
        Parallelism parallelism = new Parallelism(ExpertPlacement.single(4), new SingleRank());
        List<String> settings = new ArrayList<>(List.of("steps=100", "learning-rate.rate=0.01", setting));
        int accumulation = setting.startsWith("accumulation") ? 2 : 1;
        settings.add("rows=" + ROWS * accumulation);
        TrainingConfig training = Configs.load(TrainingConfig.class, JsonNodeFactory.instance.objectNode(), settings);
        try (Engine engine = new CudaEngine(new QueuedDevice(card), Precision.BF16);
                SwitchTransformer model = new SwitchTransformer(engine, MODEL, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, model.parameters().all())) {
            new Initializer(5, 1, 1).initialize(model);
            TrainingStep step = new TrainingStep(model, parallelism, training, optimizer);
            List<List<HostBatch>> batches = new ArrayList<>();
            for (int i = 0; i <= STEPS; i++) {
                int first = accumulation * i;
                batches.add(accumulation == 1 ? List.of(batch(first)) : List.of(batch(first), batch(first + 1)));
            }
            int uploads = 0;
            for (int i = 0; i < STEPS; i++) {
                card.startedAlone().clear();
                uploads = card.uploads();
                List<HostBatch> next = batches.get(i + 1);
                step.run(i + 1, batches.get(i), 0, 0, () -> next);
            }

            // Masks are drawn beside; a run of fewer is not worth a graph.
            card.startedAlone().remove("attention_mask");
            assertThat(card.startedAlone()).hasSizeLessThan(QueuedDevice.LEAST);
            // Of batches alone
            assertThat(card.uploads() - uploads).isEqualTo(accumulation);
        }
    }
}
