package dev.sparkswitch.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.OptimizerKind;
import org.junit.jupiter.api.Test;

final class StepBenchmarkTest {
    private static final StepBenchmark.Plan PLAN =
            new StepBenchmark.Plan(1, 4, 24, 12, 1, 3, 2, OptimizerKind.ADAMW, 0);

    private static T5Config.Builder small() {
        return T5Config.builder()
                .vocabularySize(100)
                .modelSize(32)
                .keySize(8)
                .heads(4)
                .feedForwardSize(48)
                .encoderLayers(2)
                .decoderLayers(2);
    }

    private static T5Config sparse() {
        // Two rows of 24 and of 12 tokens fill 4 experts' slots exactly.
        return small().sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1.0, 1.0, 1)))
                .build();
    }

    private static StepReport run(T5Config config) {
        return StepBenchmark.run(rank -> new Nd4jEngine(Precision.FLOAT32, 1), config, PLAN);
    }

    private static double operationsFlops(StepReport report) {
        return report.phases().values().stream().mapToDouble(Work::flops).sum() / report.profiledSeconds().length;
    }

    @Test
    void theArithmeticOfADenseStepIsThatOfItsOperations() {
        StepReport report = run(small().build());

        assertThat(report.flops()).isEqualTo(operationsFlops(report));
        assertThat(report.phases()).doesNotContainKeys(Phase.EXPERTS, Phase.ROUTING);
    }

    @Test
    void theArithmeticOfASparseStepCountsTokensWhichHereAreAsManyAsSlots() {
        StepReport report = run(sparse());

        assertThat(report.flops()).isEqualTo(operationsFlops(report));
        assertThat(report.phases())
                .containsKeys(
                        Phase.ATTENTION,
                        Phase.PRODUCTS,
                        Phase.EXPERTS,
                        Phase.ROUTING,
                        Phase.NORMS,
                        Phase.LOSS,
                        Phase.EMBEDDING,
                        Phase.OPTIMIZER);
    }

    @Test
    void theBackwardPassOfActivationsIsCountedApartFromTheProductsBeforeIt() {
        StepReport report = run(sparse());
        int steps = report.profiledSeconds().length;

        // Of four layers two are sparse, each with a product before the activation and one behind it.
        assertThat(count(report, Phase.NORMS, "activationBackward")).isEqualTo(4 * steps);
        assertThat(count(report, Phase.EXPERTS, "groupedLinearInputGradient")).isEqualTo(2 * 2 * steps);
        assertThat(count(report, Phase.EXPERTS, "")).isEqualTo(3 * 2 * 2 * steps);
    }

    private static long count(StepReport report, Phase phase, String start) {
        return report.operations().get(phase).entrySet().stream()
                .filter(operation -> operation.getKey().startsWith(start))
                .mapToLong(operation -> operation.getValue().count())
                .sum();
    }

    @Test
    void aStepOfT5BaseTakes13AndAHalfTeraflop() {
        // By hand, 6 operations a weight and token: encoder 8.35e12, decoder 2.17e12, cross-attention's keys and values
        // 1.39e12, head 0.54e12; attention's own products: 0.93e12 in the encoder, 0.22e12 in the decoder.
        assertThat(StepFlops.of(T5Config.builder().build(), 32, 512, 114)).isCloseTo(13.6e12, within(0.05e12));
    }

    @Test
    void aSwitchLayerAddsItsRouterAlone() {
        T5Config base = T5Config.builder().build();
        T5Config switchBase = T5Config.builder()
                .sparse(SwitchConfig.of(64, 6, 6, CapacityConfig.group(16, 1.25, 2.0, 1)))
                .build();

        double routers = 3 * 2.0 * 6 * (32 * 512 + 32 * 114) * 768 * 64;
        assertThat(StepFlops.of(switchBase, 32, 512, 114)).isEqualTo(StepFlops.of(base, 32, 512, 114) + routers);
    }

    @Test
    void phasesAndGapsMakeUpTheTimedSteps() {
        StepReport report = run(sparse());
        ObjectNode json = report.toJson();

        double sum = 0;
        for (var phase : json.get("phases")) {
            sum += phase.get("seconds").doubleValue();
        }
        assertThat(sum).isCloseTo(json.get("profiled-step-seconds").doubleValue(), within(1e-9));
        assertThat(json.get("phases").get("gaps").get("seconds").doubleValue()).isPositive();
        assertThat(json.get("steps")).hasSize(3);
        assertThat(json.get("tokens-per-second").doubleValue()).isCloseTo(4 * 36 / report.stepSeconds(), within(1e-6));
    }

    @Test
    void memoryIsToldByItsKind() {
        StepReport report = run(sparse());

        assertThat(report.memory().parameters()).isEqualTo(4 * report.parameters());
        assertThat(report.memory().gradients()).isEqualTo(4 * report.parameters());
        assertThat(report.memory().optimizer()).isEqualTo(8 * report.parameters());
        assertThat(report.memory().activations()).isPositive();
    }

    @Test
    void twoRanksShareAStepAndTheirExchangesAreAPhase() {
        StepBenchmark.Plan plan = new StepBenchmark.Plan(2, 4, 24, 12, 1, 3, 2, OptimizerKind.ADAMW, 0);
        StepReport one = run(sparse());
        StepReport two = StepBenchmark.run(rank -> new Nd4jEngine(Precision.FLOAT32, 1), sparse(), plan);

        // Of four layers two are sparse: there and back, forward and backward.
        assertThat(two.phases().get(Phase.COMMUNICATION).count()).isGreaterThanOrEqualTo(2 * 2 * 4);
        assertThat(one.phases()).doesNotContainKey(Phase.COMMUNICATION);
        // Through the host an exchange is over when its start returns: all of it is exposed.
        StepReport.Exchanges exchanges = two.exchanges().orElseThrow();
        // Of tokens there and back, in two layers, forward and backward; of gradients, projections' and others'; of
        // the step's metrics.
        assertThat(exchanges.count()).isEqualTo(2 * 2 * 2 + 2 + 1);
        assertThat(exchanges.exposedSeconds()).isBetween(exchanges.seconds() / 2, exchanges.stepSeconds());
        assertThat(one.exchanges()).isEmpty();
        assertThat(two.parameters()).isEqualTo(one.parameters());
        // A rank holds half of the experts and everything else.
        assertThat(two.memory().parameters())
                .isBetween(one.memory().parameters() / 2, one.memory().parameters() - 1);
        assertThat(two.flops()).isEqualTo(one.flops());
    }

    @Test
    void aRankThatFailsEndsTheBenchmarkWithItsCause() {
        StepBenchmark.Plan plan = new StepBenchmark.Plan(2, 4, 24, 12, 1, 3, 2, OptimizerKind.ADAMW, 0);

        assertThatThrownBy(() -> StepBenchmark.run(
                        rank -> {
                            if (rank == 1) {
                                throw new UserException("no second card");
                            }
                            return new Nd4jEngine(Precision.FLOAT32, 1);
                        },
                        sparse(),
                        plan))
                .isInstanceOf(UserException.class)
                .hasMessage("no second card");
    }

    @Test
    void rowsThatMakeNoWholeRoutingGroupsAreRefused() {
        StepBenchmark.Plan odd = new StepBenchmark.Plan(1, 3, 24, 12, 0, 1, 0, OptimizerKind.ADAFACTOR, 0);

        assertThatThrownBy(() -> StepBenchmark.run(rank -> new Nd4jEngine(Precision.FLOAT32, 1), sparse(), odd))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("routing groups of 2 rows");
    }
}
