package dev.sparkswitch.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.CudaEngine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Share;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** The order in which a step's operations and exchanges are started and awaited, on a rank of a world that is not there. */
class OverlapTest {
    private static final int RANKS = 4;
    private static final T5Config MODEL = T5Config.builder()
            .vocabularySize(100)
            .modelSize(32)
            .keySize(8)
            .heads(4)
            .feedForwardSize(48)
            .encoderLayers(2)
            .decoderLayers(2)
            .sparse(SwitchConfig.of(8, 1, 1, CapacityConfig.group(2, 1.0, 1.0, 1)))
            .build();

    /** What a step did, in order: operations by name; "start" and "await" with what was exchanged. */
    private static final class Recording implements Meter, Collectives {
        private final List<String> events = new ArrayList<>();
        private long summed;
        private long gradients;
        private long ownExperts;

        @Override
        public <T> T measure(Phase phase, String operation, double flops, double bytes, Supplier<T> work) {
            events.add(operation);
            return work.get();
        }

        private Exchange exchange(String operation) {
            events.add("start " + operation);
            return () -> events.add("await " + operation);
        }

        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int worldSize() {
            return RANKS;
        }

        @Override
        public boolean overlaps() {
            return true;
        }

        @Override
        public Exchange startAllReduceSum(Tensor data, RankGroup group) {
            summed += data.type() == DType.FLOAT32 ? data.size() : 0;
            return exchange("sum " + data + " over " + group.ranks());
        }

        @Override
        public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
            return exchange("tokens " + send);
        }

        @Override
        public void broadcast(Tensor data, int root, RankGroup group) {}

        @Override
        public void barrier(RankGroup group) {}

        @Override
        public Moment moment() {
            return Moment.now();
        }

        private int first(String start) {
            for (int i = 0; i < events.size(); i++) {
                if (events.get(i).startsWith(start)) {
                    return i;
                }
            }
            throw new AssertionError("no " + start + " in " + events);
        }

        private int last(String start) {
            for (int i = events.size() - 1; i >= 0; i--) {
                if (events.get(i).startsWith(start)) {
                    return i;
                }
            }
            throw new AssertionError("no " + start + " in " + events);
        }

        private int count(String start) {
            return (int)
                    events.stream().filter(event -> event.startsWith(start)).count();
        }
    }

    private static Recording step(int expertParallel, String... settings) {
        Recording recording = new Recording();
        TrainingConfig training =
                Configs.load(TrainingConfig.class, JsonNodeFactory.instance.objectNode(), List.of(settings));
        Parallelism parallelism = new Parallelism(new ExpertPlacement(8, expertParallel, RANKS), recording);
        int rows = training.microRows(RANKS, 2);
        RandomStep random = new RandomStep(MODEL, rows, 12, 6);
        List<HostBatch> batches = new ArrayList<>();
        for (int i = 0; i < training.accumulation(); i++) {
            batches.add(random.batch(i));
        }
        try (Engine bare = CudaEngine.planned(Precision.BF16);
                Engine engine = new MeteredEngine(bare, recording);
                SwitchTransformer model = new SwitchTransformer(engine, MODEL, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, model.parameters().all())) {
            TrainingStep step = new TrainingStep(model, parallelism, training, optimizer);
            recording.gradients = size(model.parameters().sharedGradients());
            recording.ownExperts = size(model.parameters().gradients(Share.EXPERTS));
            recording.events.clear();
            step.run(1, batches, 0, 0);
            return recording;
        }
    }

    private static long size(List<Tensor> tensors) {
        return tensors.stream().mapToLong(Tensor::size).sum();
    }

    /** Sums of float64 are of counts and metrics, those of float32 of gradients. */
    private static final String SUM = "start sum FLOAT32";

    @Test
    void sumsOfGradientsStartWithinTheBackwardPassAndEndBeforeTheUpdate() {
        Recording step = step(4, "rows=8", "bucket-bytes=8192");

        assertThat(step.count(SUM)).isGreaterThan(4);
        assertThat(step.summed).isEqualTo(step.gradients);
        // The pass goes through the decoder first: its sums are under way before the encoder's turn.
        assertThat(step.first(SUM)).isBetween(step.first("attentionBackward"), step.last("attentionBackward"));
        assertThat(step.last(SUM)).isGreaterThan(step.last("embedBackward"));
        assertThat(step.first("await sum FLOAT32")).isGreaterThan(step.last(SUM));
        // What is summed first is updated first, and so are experts, whose gradients nobody else has, while others
        // travel.
        List<String> update = step.events.subList(step.first("await sum FLOAT32"), step.last("adafactor") + 1).stream()
                .map(event -> event.split(" ")[0])
                .filter(word -> word.equals("await") || word.equals("adafactor"))
                .toList();
        assertThat(String.join(" ", update)).matches("(await )+adafactor adafactor (await )+adafactor");
    }

    @Test
    void whatAStepSaysIsOnItsWayWhileTheEngineIsAtWork() {
        Recording step = step(4, "rows=8");

        // Losses and routing statistics, as soon as they are there
        assertThat(step.last("read FLOAT32"))
                .isBetween(step.last("tokenLossGradient"), step.first("attentionBackward"));
        // Their sum over the ranks beside the update, and nothing of the update waits for it
        int metrics = step.last(SUM) + 1;
        while (!step.events.get(metrics).startsWith("start sum FLOAT64")) {
            metrics++;
        }
        assertThat(metrics).isLessThan(step.first("adafactor"));
        assertThat(step.events.get(step.last("adafactor") + 1)).startsWith("start sum FLOAT64");
    }

    @Test
    void gradientsOfExpertsAreSummedOverTheirReplicasBesideTheBackwardPassToo() {
        Recording step = step(2, "rows=8", "bucket-bytes=8192");

        assertThat(step.summed).isEqualTo(step.gradients + step.ownExperts);
        assertThat(step.events).anyMatch(event -> event.startsWith(SUM) && event.endsWith("over [0, 2]"));
        assertThat(step.first(SUM)).isLessThan(step.last("attentionBackward"));
    }

    @Test
    void onlyTheLastMicroBatchStartsSums() {
        Recording step = step(4, "rows=24", "accumulation=3", "bucket-bytes=8192");

        assertThat(step.count("tokenLossGradient")).isEqualTo(3);
        assertThat(step.first(SUM)).isGreaterThan(step.last("tokenLossGradient"));
        assertThat(step.summed).isEqualTo(step.gradients);
    }

    @Test
    void largeBucketsAreOneSumAShare() {
        Recording step = step(4, "rows=8");

        // Of projections, and of all else that every rank holds
        assertThat(step.count(SUM)).isEqualTo(2);
        assertThat(step.summed).isEqualTo(step.gradients);
    }

    /** The events from the {@code n}-th sparse layer's first start on, as far as they are of tokens or experts. */
    private static List<String> ofExperts(Recording step, int layer, int events) {
        List<String> found = new ArrayList<>();
        for (String event : step.events) {
            if (event.contains("tokens") || event.startsWith("grouped")) {
                String[] words = event.split(" ");
                found.add(event.contains("tokens") ? words[0] : words[0].replace("groupedLinear", "experts"));
            }
        }
        return found.subList(layer * events, (layer + 1) * events);
    }

    @Test
    void aChunkOfTokensTravelsWhileExpertsWorkOnAnother() {
        Recording step = step(2, "rows=8", "exchange-chunks=2");

        String forward = "start start await experts experts start await experts experts start await await";
        assertThat(ofExperts(step, 0, 12)).containsExactly(forward.split(" "));
        assertThat(ofExperts(step, 1, 12)).containsExactly(forward.split(" "));
    }

    @Test
    void gradientsOfTokensSetOutBeforeThoseOfWeightsAreTaken() {
        Recording step = step(2, "rows=8", "exchange-chunks=2");
        List<String> events = ofExperts(step, 0, 40);

        assertThat(events.subList(24, 40))
                .containsExactly(
                        "start",
                        "start",
                        "await",
                        "expertsInputGradient",
                        "expertsInputGradient",
                        "start",
                        "expertsWeightGradient",
                        "expertsWeightGradient",
                        "await",
                        "expertsInputGradient",
                        "expertsInputGradient",
                        "start",
                        "expertsWeightGradient",
                        "expertsWeightGradient",
                        "await",
                        "await");
    }

    @Test
    void theRoutersGradientsAreMadeWhileTheFirstGradientsOfTokensTravel() {
        Recording step = step(2, "rows=8", "exchange-chunks=2");
        List<String> events = new ArrayList<>();
        for (String event : step.events.subList(step.first("routeBackward") - 2, step.events.size())) {
            events.add(event.split(" ")[0]);
        }

        assertThat(events.subList(0, 5))
                .containsExactly("start", "start", "routeBackward", "routerScoresWeightGradient", "await");
        assertThat(events.indexOf("routerScoresInputGradient")).isEqualTo(events.indexOf("dispatchBackward") + 1);
    }

    @Test
    void aChunkHoldsAnExpertAtLeast() {
        Recording two = step(4, "rows=8", "exchange-chunks=7");
        Recording alone = step(1, "rows=8", "exchange-chunks=7");

        // Two experts a rank: two chunks, there and back, in two layers, forward and backward.
        assertThat(two.count("start tokens")).isEqualTo(2 * 2 * 2 * 2);
        assertThat(alone.count("start tokens")).isZero();
    }
}
