package dev.sparkswitch.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.OptimizerKind;
import dev.sparkswitch.train.TrainingConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * The rows of a step that is to be measured: without padding, of tokens as likely as each other.
 *
 * @param model whose vocabulary they are of
 * @param rows of a rank
 * @param inputLength input positions a row
 * @param targetLength target positions a row
 */
record RandomStep(T5Config model, int rows, int inputLength, int targetLength) {
    private static final int FIRST_TOKEN = 2;

    /** Training by {@code rows} of all ranks a step that never ends. */
    static TrainingConfig training(int rows, OptimizerKind optimizer, Recomputation recomputation, int exchangeChunks) {
        return Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "rows=" + rows,
                        "steps=1000000",
                        "learning-rate.rate=0.001",
                        "learning-rate.schedule=constant",
                        "divergence.explosion=0",
                        "exchange-chunks=" + exchangeChunks,
                        "recomputation=" + recomputation.name().toLowerCase(Locale.ROOT),
                        "optimizer=" + optimizer.name().toLowerCase(Locale.ROOT)));
    }

    HostBatch batch(int seed) {
        Random random = new Random(seed);
        int[][] inputs = tokens(random, inputLength);
        int[][] attention = new int[rows][inputLength];
        for (int[] row : attention) {
            Arrays.fill(row, 1);
        }
        return HostBatch.padded(inputs, attention, tokens(random, targetLength), model)
                .startingAt((long) seed * rows);
    }

    private int[][] tokens(Random random, int length) {
        int[][] tokens = new int[rows][length];
        for (int[] row : tokens) {
            for (int i = 0; i < length; i++) {
                row[i] = FIRST_TOKEN + random.nextInt(model.vocabularySize() - FIRST_TOKEN);
            }
        }
        return tokens;
    }
}
