package dev.sparkswitch.convert;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.checkpoint.Tensors;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** What tests of conversions share: tiny models, on disk and run. */
final class Converted {
    static final long UNLIMITED = Long.MAX_VALUE;

    private Converted() {}

    static T5Config dense() {
        return T5Config.builder()
                .vocabularySize(50)
                .modelSize(16)
                .keySize(4)
                .heads(4)
                .feedForwardSize(24)
                .encoderLayers(4)
                .decoderLayers(2)
                .build();
    }

    static T5Config sparse(int experts) {
        return dense().toBuilder()
                .sparse(SwitchConfig.of(experts, 2, 1, ample()))
                .build();
    }

    /** So many slots that no token is dropped. */
    static CapacityConfig ample() {
        return CapacityConfig.group(1, 99, 99, 1);
    }

    static UpcycleConfig upcycle(int experts, int choices, double noise) {
        return new UpcycleConfig(
                experts,
                Optional.of(2),
                Optional.empty(),
                RouterConfig.topK(choices),
                ample(),
                AttentionForm.DENSE,
                noise);
    }

    static ModelTensors random(T5Config config) {
        return new ModelTensors(config, Tensors.random(config, 1));
    }

    /** Writes a checkpoint and opens it. */
    static ModelSource checkpoint(ModelTensors model, Path folder, long shardBytes) {
        ModelWriter writer = new ModelWriter(Tensors.local(), Tensors.hadoop(folder), shardBytes);
        Manifests.write(
                Tensors.local(),
                Tensors.hadoop(folder),
                writer.checkpoint(model, Manifest.builder(Manifest.CHECKPOINT)));
        return ModelSource.open(Tensors.local(), Tensors.hadoop(folder));
    }

    /** Writes a folder for transformers and opens it. */
    static ModelSource huggingFace(ModelTensors model, Path folder, long shardBytes) {
        ModelWriter writer = new ModelWriter(Tensors.local(), Tensors.hadoop(folder), shardBytes);
        Manifests.write(
                Tensors.local(),
                Tensors.hadoop(folder),
                writer.huggingFace(model, 512, Manifest.builder(Manifest.MODEL)));
        return ModelSource.open(Tensors.local(), Tensors.hadoop(folder));
    }

    /** Every parameter by name, as float64. */
    static Map<String, double[]> values(ModelSource source) {
        Map<String, double[]> values = new TreeMap<>();
        for (String name : source.parameters().tensors().keySet()) {
            values.put(name, source.parameters().doubles(name));
        }
        return values;
    }

    /** The logits of a model in float64 at every target of rows with padding. */
    static double[] logits(ModelSource source) {
        T5Config config = source.config().toBuilder().dropout(0).build();
        int experts = config.sparse().map(SwitchConfig::experts).orElse(1);
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                SwitchTransformer model = new SwitchTransformer(
                        engine, config, new Parallelism(ExpertPlacement.single(experts), new SingleRank()))) {
            ModelWeights.load(model, source.parameters());
            HostBatch host = rows(config);
            try (Batch batch = Batch.upload(engine, host);
                    Tensor logits = model.logits(batch, Phase.EVALUATE)) {
                double[] all = model.download(logits);
                int[] targets = host.targets();
                int size = config.vocabularySize();
                return IntStream.range(0, all.length)
                        .filter(i -> targets[i / size] >= 0)
                        .mapToDouble(i -> all[i])
                        .toArray();
            }
        }
    }

    private static HostBatch rows(T5Config config) {
        Random random = new Random(3);
        int[][] inputs = new int[3][9];
        int[][] mask = new int[3][9];
        int[][] labels = new int[3][6];
        for (int row = 0; row < 3; row++) {
            for (int i = 0; i < 9; i++) {
                mask[row][i] = i < 9 - 3 * row ? 1 : 0;
                inputs[row][i] = mask[row][i] * (2 + random.nextInt(config.vocabularySize() - 2));
            }
            for (int i = 0; i < 6; i++) {
                labels[row][i] = i < 6 - row ? 2 + random.nextInt(config.vocabularySize() - 2) : -100;
            }
        }
        return HostBatch.padded(inputs, mask, labels, config);
    }
}
