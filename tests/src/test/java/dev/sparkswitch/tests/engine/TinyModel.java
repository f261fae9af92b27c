package dev.sparkswitch.tests.engine;

import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Reading;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** A model of two blocks a stack in float64, four experts in the second, with a batch of three full rows. */
final class TinyModel implements AutoCloseable {
    static final int ROWS = 3;
    static final int TARGETS = 6;
    static final int WIDTH = 12;
    private static final int INPUTS = 9;
    private static final int VOCABULARY = 40;

    final Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
    final SwitchTransformer model;
    final HostBatch host;
    final Batch batch;

    TinyModel(SwitchConfig sparse) {
        T5Config config = T5Config.builder()
                .vocabularySize(VOCABULARY)
                .modelSize(8)
                .keySize(4)
                .heads(2)
                .feedForwardSize(WIDTH)
                .encoderLayers(2)
                .decoderLayers(2)
                .sparse(sparse)
                .build();
        this.model = new SwitchTransformer(
                engine, config, new Parallelism(ExpertPlacement.single(sparse.experts()), new SingleRank()));
        // Weights large enough that routers have an opinion.
        new Initializer(11, 2, 1).initialize(model);
        Random random = new Random(5);
        int[][] inputs = new int[ROWS][];
        int[][] mask = new int[ROWS][INPUTS];
        int[][] labels = new int[ROWS][];
        for (int row = 0; row < ROWS; row++) {
            inputs[row] = random.ints(INPUTS, 2, VOCABULARY).toArray();
            Arrays.fill(mask[row], 1);
            labels[row] = random.ints(TARGETS, 2, VOCABULARY).toArray();
        }
        this.host = HostBatch.padded(inputs, mask, labels, config);
        this.batch = Batch.upload(engine, host);
    }

    /** Four experts in one block of each stack, with slots for everybody, without noise. */
    static SwitchConfig.Builder sparse() {
        return SwitchConfig.of(4, 1, 1, CapacityConfig.group(1, 99, 99, 1)).toBuilder()
                .expertDropout(0);
    }

    /** One training pass; the losses of all targets. */
    double[] train() {
        model.parameters().resetGradients();
        StepSettings step =
                new StepSettings(3, 17, host.targetTokens(), ROWS, host.routedInputs(), host.routedTargets(), 0, 0);
        Reading losses = model.train(batch, step);
        model.parameters().completeGradients();
        return losses.values();
    }

    Map<String, double[]> gradients() {
        Map<String, double[]> gradients = new TreeMap<>();
        for (Parameter parameter : model.parameters().all()) {
            gradients.put(parameter.spec().name(), model.download(parameter.gradient()));
        }
        return gradients;
    }

    double[] value(String name) {
        return model.download(model.parameters().named(name).value());
    }

    void set(String name, double[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Double.BYTES).order(ByteOrder.nativeOrder());
        bytes.asDoubleBuffer().put(values);
        engine.upload(model.parameters().named(name).value(), bytes);
    }

    @Override
    public void close() {
        batch.close();
        model.close();
        engine.close();
    }
}
