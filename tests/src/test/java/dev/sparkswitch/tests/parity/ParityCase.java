package dev.sparkswitch.tests.parity;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.checkpoint.HuggingFaceFolder;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.checkpoint.SafetensorsReader;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.nio.file.Path;

/** A folder under {@code hf/}: its configuration, its data, and a model that holds its weights. */
final class ParityCase implements AutoCloseable {
    /** Whether the losses of the routers count. */
    enum RouterLosses {
        OFF,
        AS_EXPECTED
    }

    private final JsonNode expected;
    private final T5Config config;
    private final SafetensorsReader data;
    private final Engine engine;
    private final SwitchTransformer model;
    private final HostBatch rows;
    private final Batch batch;

    /** Loads the case onto {@code engine}, which is closed with it. */
    ParityCase(Path folder, Engine engine, RouterLosses losses) throws IOException {
        this.expected =
                new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
        this.engine = engine;
        this.data = SafetensorsReader.open(folder.resolve("io.safetensors"));
        try (HuggingFaceFolder weights = HuggingFaceFolder.open(folder)) {
            this.config = configuration(weights.config(), losses);
            int experts = config.sparse().map(SwitchConfig::experts).orElse(1);
            this.model = new SwitchTransformer(
                    engine, config, new Parallelism(ExpertPlacement.single(experts), new SingleRank()));
            ModelWeights.load(model, weights.parameters());
        }
        this.rows = HostBatch.padded(matrix("input_ids"), matrix("attention_mask"), matrix("labels"), config);
        this.batch = Batch.upload(engine, rows);
    }

    private T5Config configuration(T5Config stored, RouterLosses losses) {
        T5Config.Builder plain = stored.toBuilder().dropout(0);
        return stored.sparse()
                .map(sparse -> plain.sparse(sparse.toBuilder()
                        .balanceLoss(losses == RouterLosses.AS_EXPECTED ? number("alpha") : 0)
                        .routerZLoss(losses == RouterLosses.AS_EXPECTED ? number("z_coef") : 0)
                        .expertDropout(0)
                        .build()))
                .orElse(plain)
                .build();
    }

    private int[][] matrix(String name) {
        int[] flat = data.integers(name);
        int rows = data.info(name).shape().get(0);
        int[][] matrix = new int[rows][flat.length / rows];
        for (int i = 0; i < flat.length; i++) {
            matrix[i / matrix[0].length][i % matrix[0].length] = flat[i];
        }
        return matrix;
    }

    JsonNode expected() {
        return expected;
    }

    /** The expected number of that name. */
    double number(String field) {
        return expected.required(field).asDouble();
    }

    T5Config config() {
        return config;
    }

    SafetensorsReader data() {
        return data;
    }

    SwitchTransformer model() {
        return model;
    }

    HostBatch rows() {
        return rows;
    }

    Batch batch() {
        return batch;
    }

    /** The terms of the balance loss. */
    int balanceGroups() {
        return config.sparse()
                .map(sparse -> sparse.capacity().balanceGroups(rows.rows()))
                .orElse(1);
    }

    /** The whole batch as one step. */
    StepSettings step() {
        return new StepSettings(
                0, 1, rows.targetTokens(), balanceGroups(), rows.routedInputs(), rows.routedTargets(), 0, 0);
    }

    @Override
    public void close() {
        batch.close();
        model.close();
        engine.close();
        data.close();
    }
}
