package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardSource;
import dev.sparkswitch.arrow.ShardWriter;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Exploration;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.TokenBatches;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Examples packed into rows, written to Arrow shards, read and trained on give what the same examples give in rows of their
 * own: in float64, token by token and parameter by parameter.
 */
class PackedRowsTest {
    private static final int VOCABULARY = 40;
    private static final CapacityConfig DROPLESS = CapacityConfig.group(1, 99, 99, 1);

    /** Inputs and targets of seven examples. */
    private final List<int[]> inputs = new ArrayList<>();

    private final List<int[]> targets = new ArrayList<>();

    /** How the examples lie in packed rows: by their numbers, in order. */
    private static final List<List<Integer>> PACKED = List.of(List.of(0, 1, 2), List.of(3), List.of(4, 5), List.of(6));

    @TempDir
    Path folder;

    PackedRowsTest() {
        Random random = new Random(7);
        for (int[] lengths : new int[][] {{5, 3}, {1, 1}, {4, 2}, {11, 7}, {6, 5}, {6, 2}, {3, 6}}) {
            inputs.add(random.ints(lengths[0], 2, VOCABULARY).toArray());
            targets.add(random.ints(lengths[1], 2, VOCABULARY).toArray());
        }
    }

    /** What training on some rows gives. */
    private record Outcome(List<Double> losses, Map<String, double[]> gradients, List<double[]> routing) {}

    private static T5Config model(Optional<SwitchConfig> sparse) {
        T5Config.Builder builder = T5Config.builder()
                .vocabularySize(VOCABULARY)
                .modelSize(8)
                .keySize(4)
                .heads(2)
                .feedForwardSize(12)
                .encoderLayers(2)
                .decoderLayers(2)
                // Small, so that distances inside the examples fall into several buckets and across them would too.
                .relativeBuckets(6)
                .relativeMaxDistance(6)
                .dropout(0);
        sparse.ifPresent(builder::sparse);
        return builder.build();
    }

    private static SwitchConfig.Builder sparse(CapacityConfig capacity) {
        // The balance loss is a mean over routing groups, which are rows: packing makes other groups.
        return SwitchConfig.of(4, 1, 1, capacity).toBuilder()
                .router(new RouterConfig.TopK(1, Overflow.DROP, new Exploration.Argmax()))
                .expertDropout(0)
                .balanceLoss(0)
                .routerZLoss(0.1);
    }

    @Test
    void aDenseModelLearnsTheSameFromPackedRows() throws IOException {
        assertSame(model(Optional.empty()));
    }

    @Test
    void aSparseModelWithoutDropsLearnsTheSameFromPackedRows() throws IOException {
        assertSame(model(Optional.of(sparse(DROPLESS).build())));
    }

    @Test
    void expertsInAttentionLearnTheSameFromPackedRows() throws IOException {
        assertSame(model(
                Optional.of(sparse(DROPLESS).attention(AttentionForm.SWITCH).build())));
    }

    /** Rows are routing groups: a row of several examples has no more slots than a row of one. */
    @Test
    void packedExamplesShareTheSlotsOfTheirRow() throws IOException {
        // Two slots an expert and row: 12 positions, 4 experts, factor 0.5, rounded up.
        T5Config model =
                model(Optional.of(sparse(CapacityConfig.group(1, 0.5, 1, 1)).build()));
        assertThat(dropped(packed(model))).isGreaterThan(dropped(alone(model)));
    }

    private static double dropped(Outcome outcome) {
        return outcome.routing().stream()
                .mapToDouble(layer -> layer[RoutingStatistics.DROPPED])
                .sum();
    }

    private void assertSame(T5Config model) throws IOException {
        Outcome alone = alone(model);
        Outcome packed = packed(model);
        assertThat(packed.losses()).hasSameSizeAs(alone.losses()).hasSize(26);
        for (int i = 0; i < alone.losses().size(); i++) {
            assertThat(packed.losses().get(i)).isCloseTo(alone.losses().get(i), within(1e-12));
        }
        alone.gradients()
                .forEach((name, gradient) ->
                        assertThat(packed.gradients().get(name)).as(name).containsExactly(gradient, within(1e-12)));
        // An expert may have got no token.
        assertThat(alone.gradients().values().stream()
                        .filter(gradient -> Arrays.stream(gradient).anyMatch(value -> value != 0)))
                .hasSizeGreaterThan(alone.gradients().size() * 3 / 4);
        for (int layer = 0; layer < alone.routing().size(); layer++) {
            double[] demand = alone.routing().get(layer);
            int end = RoutingStatistics.entropy(4);
            assertThat(Arrays.copyOfRange(packed.routing().get(layer), RoutingStatistics.DEMAND, end))
                    .isEqualTo(Arrays.copyOfRange(demand, RoutingStatistics.DEMAND, end));
            assertThat(demand[RoutingStatistics.DROPPED]).isZero();
        }
    }

    private Outcome alone(T5Config model) throws IOException {
        List<List<Integer>> rows = new ArrayList<>();
        for (int example = 0; example < inputs.size(); example++) {
            rows.add(List.of(example));
        }
        return train(model, Packing.NONE, rows);
    }

    private Outcome packed(T5Config model) throws IOException {
        return train(model, Packing.SEGMENTS, PACKED);
    }

    /** One pass over the examples in rows of 12 inputs and 8 targets, which come out of a shard. */
    private Outcome train(T5Config config, Packing packing, List<List<Integer>> rows) throws IOException {
        ShardLayout layout = new ShardLayout(12, 8, packing);
        org.apache.hadoop.fs.Path box =
                new org.apache.hadoop.fs.Path(folder.resolve(packing.name()).toUri());
        FileSystem files = box.getFileSystem(new Configuration());
        files.mkdirs(box);
        ShardWriter writer = ShardWriter.open(files, new org.apache.hadoop.fs.Path(box, "0.arrow"), layout, 0);
        try (writer) {
            for (List<Integer> row : rows) {
                writer.add(
                        row.stream().map(inputs::get).toList(),
                        row.stream().map(targets::get).toList());
            }
        }
        Manifests.write(
                files,
                box,
                Manifest.builder(Manifest.SHARDS)
                        .properties(layout.properties())
                        .file(writer.entry())
                        .build());
        HostBatch host;
        try (ShardSource source = ShardSource.open(new Configuration(), box);
                TokenBatch batch = source.read(0, rows.size())) {
            host = TokenBatches.toHost(batch, config);
        }
        return train(config, host);
    }

    private static Outcome train(T5Config config, HostBatch host) {
        int experts = config.sparse().map(SwitchConfig::experts).orElse(1);
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                SwitchTransformer model = new SwitchTransformer(
                        engine, config, new Parallelism(ExpertPlacement.single(experts), new SingleRank()));
                Batch batch = Batch.upload(engine, host)) {
            // Weights large enough that routers have an opinion.
            new Initializer(11, 2, 1).initialize(model);
            model.parameters().resetGradients();
            StepSettings step = new StepSettings(
                    3, 17, host.targetTokens(), host.rows(), host.routedInputs(), host.routedTargets(), 0.1, 0.01);
            double[] losses = model.train(batch, step).values();
            model.parameters().completeGradients();
            // Losses of the tokens in the order of the examples, which packing keeps.
            List<Double> ofTokens = new ArrayList<>();
            for (int i = 0; i < losses.length; i++) {
                if (host.targets()[i] >= 0) {
                    ofTokens.add(losses[i]);
                }
            }
            Map<String, double[]> gradients = new TreeMap<>();
            for (Parameter parameter : model.parameters().all()) {
                gradients.put(parameter.spec().name(), model.download(parameter.gradient()));
            }
            return new Outcome(ofTokens, gradients, model.takeRoutingStatistics());
        }
    }
}
