package dev.sparkswitch.tests.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.HostTensorCollectives;
import dev.sparkswitch.collective.InProcessCollectives;
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
import dev.sparkswitch.train.LocalRanks;
import dev.sparkswitch.train.RankOutcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ranks that share experts write their rows together: each step of one is a step of all. */
class RanksTogetherTest {
    private static final int RANKS = 2;
    private static final int ROWS = 5;
    private static final int LENGTH = 9;

    private static T5Config model(int eosId) {
        return T5Config.builder()
                .eosId(eosId)
                .vocabularySize(13)
                .modelSize(16)
                .keySize(4)
                .heads(4)
                .feedForwardSize(24)
                .encoderLayers(2)
                .decoderLayers(2)
                .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1.0, 2.0, 2)))
                .build();
    }

    private static HostBatch batch(int rank) {
        Random random = new Random(rank);
        int[][] ids = new int[ROWS][LENGTH];
        int[][] attention = new int[ROWS][LENGTH];
        int[][] labels = new int[ROWS][1];
        for (int row = 0; row < ROWS; row++) {
            int length = 2 + random.nextInt(LENGTH - 1);
            for (int i = 0; i < length; i++) {
                ids[row][i] = 2 + random.nextInt(11);
                attention[row][i] = 1;
            }
            labels[row][0] = HostBatch.IGNORED;
        }
        return HostBatch.padded(ids, attention, labels, model(1));
    }

    private static int[][] write(Parallelism parallelism, int rank, int eosId, GenerationConfig settings) {
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                SwitchTransformer model = new SwitchTransformer(engine, model(eosId), parallelism)) {
            new Initializer(3, 1, 1).initialize(model);
            return Generator.generate(model, batch(rank), new long[ROWS], settings);
        }
    }

    private static List<int[][]> alone(int eosId, GenerationConfig settings) {
        List<int[][]> alone = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            alone.add(write(new Parallelism(ExpertPlacement.single(4), new SingleRank()), rank, eosId, settings));
        }
        return alone;
    }

    private static long lengths(List<int[][]> written) {
        return written.stream()
                .flatMap(Arrays::stream)
                .map(row -> row.length)
                .distinct()
                .count();
    }

    static Stream<GenerationConfig> settings() {
        return Stream.of(
                // Each token at most once, so that the end comes sooner or later.
                new GenerationConfig(Mode.GREEDY, 1, 1, EarlyStopping.FALSE, 1, 0, 1, 0, 1, 0, 24),
                new GenerationConfig(Mode.BEAM, 3, 0.8, EarlyStopping.FALSE, 1, 0, 1, 0, 0, 0, 16));
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatTheyWriteIsWhatEachWouldWriteAlone(GenerationConfig settings) {
        // The end is whichever token makes rows end at most places.
        int eosId = IntStream.range(1, 13)
                .boxed()
                .max(Comparator.comparingLong(id -> lengths(alone(id, settings))))
                .orElseThrow();
        List<int[][]> alone = alone(eosId, settings);
        assertThat(lengths(alone)).as("different lengths of rows").isGreaterThan(1);
        List<InProcessCollectives> collectives = InProcessCollectives.world(RANKS);

        List<RankOutcome<int[][]>> together = LocalRanks.run(
                RANKS,
                0,
                context -> {
                    Collectives own = new HostTensorCollectives(collectives.get(context.rank()));
                    return write(
                            new Parallelism(new ExpertPlacement(4, RANKS, RANKS), own),
                            context.rank(),
                            eosId,
                            settings);
                },
                status -> {});

        for (int rank = 0; rank < RANKS; rank++) {
            assertThat(together.get(rank)).isInstanceOf(RankOutcome.Success.class);
            assertThat(((RankOutcome.Success<int[][]>) together.get(rank)).value())
                    .isDeepEqualTo(alone.get(rank));
        }
    }
}
