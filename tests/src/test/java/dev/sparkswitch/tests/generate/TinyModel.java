package dev.sparkswitch.tests.generate;

import dev.sparkswitch.checkpoint.HuggingFaceFolder;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.checkpoint.SafetensorsReader;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.nio.file.Path;
import java.util.Arrays;

/** One of the models under {@code hf/} with its inputs. */
final class TinyModel implements AutoCloseable {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");

    private final Engine engine;
    final SwitchTransformer model;
    private final int[][] ids;
    private final int[][] attention;

    /**
     * @param name of the case
     * @param eosId the id that ends a target
     */
    TinyModel(String name, Precision precision, int eosId) {
        Path folder = FIXTURES.resolve("hf").resolve(name);
        this.engine = new Nd4jEngine(precision, 1);
        try (HuggingFaceFolder weights = HuggingFaceFolder.open(folder);
                SafetensorsReader data = SafetensorsReader.open(folder.resolve("io.safetensors"))) {
            T5Config config = weights.config().toBuilder().eosId(eosId).build();
            int experts = config.sparse().map(SwitchConfig::experts).orElse(1);
            this.model = new SwitchTransformer(
                    engine, config, new Parallelism(ExpertPlacement.single(experts), new SingleRank()));
            ModelWeights.load(model, weights.parameters());
            this.ids = matrix(data, "input_ids");
            this.attention = matrix(data, "attention_mask");
        }
    }

    static Path fixture(String name) {
        return FIXTURES.resolve(name);
    }

    private static int[][] matrix(SafetensorsReader data, String name) {
        int[] flat = data.integers(name);
        int[][] matrix = new int[data.info(name).shape().get(0)][];
        int length = flat.length / matrix.length;
        for (int row = 0; row < matrix.length; row++) {
            matrix[row] = Arrays.copyOfRange(flat, row * length, (row + 1) * length);
        }
        return matrix;
    }

    int rows() {
        return ids.length;
    }

    /** The inputs of these rows, cut or padded to a length of at least those that count. */
    HostBatch batch(int length, int... rows) {
        int[][] chosen = new int[rows.length][];
        int[][] mask = new int[rows.length][];
        int[][] labels = new int[rows.length][1];
        for (int i = 0; i < rows.length; i++) {
            chosen[i] = Arrays.copyOf(ids[rows[i]], length);
            mask[i] = Arrays.copyOf(attention[rows[i]], length);
            labels[i][0] = HostBatch.IGNORED;
        }
        return HostBatch.padded(chosen, mask, labels, model.config());
    }

    /** All rows as they are. */
    HostBatch batch() {
        int[] all = new int[rows()];
        Arrays.setAll(all, row -> row);
        return batch(ids[0].length, all);
    }

    /** Inputs of a row that are no padding. */
    int length(int row) {
        return Arrays.stream(attention[row]).sum();
    }

    @Override
    public void close() {
        model.close();
        engine.close();
    }
}
