package dev.sparkswitch.tests.generate;

import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.generate.EarlyStopping;
import dev.sparkswitch.generate.GenerationConfig;
import dev.sparkswitch.generate.Generator;
import dev.sparkswitch.generate.Mode;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;

/**
 * Measures how fast targets are written: on one thread, by the processor time that it takes, which others on
 * the host do not change much. A model with random weights, 4 + 4 layers of width
 * 256, every second one sparse; 32 rows of 128 input tokens, 32 new tokens a row.
 */
final class GenerationSpeed {
    private static final ThreadMXBean THREAD = ManagementFactory.getThreadMXBean();
    private static final int ROWS = 32;
    private static final int INPUTS = 128;
    private static final int NEW = 32;

    private GenerationSpeed() {}

    public static void main(String[] arguments) {
        for (int experts : new int[] {1, 8, 64}) {
            try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                    SwitchTransformer model = model(engine, experts)) {
                measure(model, experts, "greedy", greedy(NEW + 1));
                measure(model, experts, "one token: the encoder", greedy(2));
                measure(
                        model,
                        experts,
                        "4 beams",
                        new GenerationConfig(Mode.BEAM, 4, 1, EarlyStopping.NEVER, 1, 0, 1, 0, 0, NEW + 1, NEW + 1));
            }
        }
    }

    private static GenerationConfig greedy(int maxLength) {
        return new GenerationConfig(Mode.GREEDY, 1, 1, EarlyStopping.FALSE, 1, 0, 1, 0, 0, maxLength, maxLength);
    }

    private static SwitchTransformer model(Engine engine, int experts) {
        T5Config.Builder config = T5Config.builder()
                .vocabularySize(8192)
                .modelSize(256)
                .keySize(64)
                .heads(4)
                .feedForwardSize(1024)
                .encoderLayers(4)
                .decoderLayers(4);
        if (experts > 1) {
            config.sparse(SwitchConfig.of(experts, 2, 2, CapacityConfig.group(1, 1.25, 2, 4)));
        }
        SwitchTransformer model = new SwitchTransformer(
                engine, config.build(), new Parallelism(ExpertPlacement.single(experts), new SingleRank()));
        new Initializer(3, 1.0, 1.0).initialize(model);
        return model;
    }

    private static void measure(SwitchTransformer model, int experts, String what, GenerationConfig settings) {
        Random random = new Random(1);
        int[][] ids = new int[ROWS][INPUTS];
        int[][] attention = new int[ROWS][INPUTS];
        int[][] labels = new int[ROWS][1];
        for (int row = 0; row < ROWS; row++) {
            Arrays.setAll(ids[row], i -> 2 + random.nextInt(8000));
            Arrays.fill(attention[row], 1);
            labels[row][0] = HostBatch.IGNORED;
        }
        HostBatch batch = HostBatch.padded(ids, attention, labels, model.config());
        double best = Double.POSITIVE_INFINITY;
        long tokens = 0;
        for (int run = 0; run < 3; run++) {
            long began = THREAD.getCurrentThreadCpuTime();
            int[][] written = Generator.generate(model, batch, new long[ROWS], settings);
            best = Math.min(best, (THREAD.getCurrentThreadCpuTime() - began) / 1e9);
            tokens = Arrays.stream(written).mapToLong(row -> row.length).sum();
        }
        System.out.printf(
                Locale.ROOT,
                "%2d experts, %s: %.3f s, %,d tokens, %,.0f tokens/s%n",
                experts,
                what,
                best,
                tokens,
                tokens / best);
    }
}
