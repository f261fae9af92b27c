package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.bench.CardRates;
import dev.sparkswitch.bench.MemoryPlan;
import dev.sparkswitch.bench.Phase;
import dev.sparkswitch.bench.StepBenchmark;
import dev.sparkswitch.bench.StepPlan;
import dev.sparkswitch.bench.StepReport;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.cuda.EmulatedEngine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.OptimizerKind;
import dev.sparkswitch.train.TrainingConfig;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Plans of steps beside steps that are taken, and beside what can be counted by hand. */
class StepPlanTest {
    private static final int ROWS = 4;
    private static final int INPUTS = 24;
    private static final int TARGETS = 12;
    private static final int WIDTH = 32;
    private static final int EXPERTS = 4;
    private static final int INNER = 48;
    private static final CardRates RATES =
            new CardRates(8e10, 1e14, 1e14, 1e12, 1e14, 1e14, 1e12, 1e12, 1e12, 1e11, 1e10, 0, 0);
    /** Two rows of 24 and of 12 tokens fill four experts' slots exactly. */
    private static final T5Config MODEL = T5Config.builder()
            .vocabularySize(100)
            .modelSize(WIDTH)
            .keySize(8)
            .heads(4)
            .feedForwardSize(INNER)
            .encoderLayers(2)
            .decoderLayers(2)
            .sparse(SwitchConfig.of(EXPERTS, 1, 1, CapacityConfig.group(2, 1.0, 1.0, 1)))
            .build();

    private static StepPlan plan(int cards, int expertParallel, int cardsAHost) {
        return plan(cards, expertParallel, cardsAHost, RATES);
    }

    private static StepPlan plan(int cards, int expertParallel, int cardsAHost, CardRates rates) {
        return StepPlan.of(
                new StepPlan.Question(
                        MODEL, INPUTS, TARGETS, OptimizerKind.ADAMW, Recomputation.NONE, 0, cardsAHost, rates),
                cards,
                expertParallel,
                ROWS);
    }

    @Test
    void memoryIsThatOfAStepThatIsTaken() {
        assumeTrue(EmulatedEngine.missing().isEmpty(), "skipped: there is no compiler for the emulated card");
        StepReport taken = StepBenchmark.run(
                rank -> EmulatedEngine.open(Precision.BF16),
                MODEL,
                new StepBenchmark.Plan(1, ROWS, INPUTS, TARGETS, 1, 1, 0, OptimizerKind.ADAMW, 0));
        StepReport.Memory planned = plan(1, 1, 8).memory();

        assertThat(planned.parameters()).isEqualTo(taken.memory().parameters());
        assertThat(planned.gradients()).isEqualTo(taken.memory().gradients());
        assertThat(planned.optimizer()).isEqualTo(taken.memory().optimizer());
        // Sums over blocks take more room on a card with more processors than the emulated one has.
        assertThat((double) planned.activations())
                .isCloseTo(
                        taken.memory().activations(),
                        within(0.3 * taken.memory().activations()));
    }

    private static MemoryPlan memory(String... settings) {
        TrainingConfig training =
                Configs.load(TrainingConfig.class, JsonNodeFactory.instance.objectNode(), List.of(settings));
        return MemoryPlan.of(MODEL, training, ExpertPlacement.single(EXPERTS), Precision.BF16, INPUTS, TARGETS);
    }

    @Test
    void theMemoryOfARunIsThatOfItsSteps() {
        StepReport.Memory step = plan(1, 1, 8).memory();

        assertThat(memory("rows=" + ROWS, "optimizer=adamw").memory()).isEqualTo(step);
        MemoryPlan halves = memory("rows=" + ROWS, "optimizer=adamw", "accumulation=2");
        assertThat(halves.rows()).isEqualTo(ROWS / 2);
        assertThat(halves.memory().activations()).isLessThan(step.activations());
        assertThat(halves.memory().parameters()).isEqualTo(step.parameters());
        assertThat(memory("rows=" + ROWS, "recomputation=branches").memory().activations())
                .isLessThan(memory("rows=" + ROWS).memory().activations());
    }

    @Test
    void aPlanIsATableBesideWhatIsFree() {
        long gib = 1L << 30;
        MemoryPlan plan = new MemoryPlan(new StepReport.Memory(2 * gib, 4 * gib, gib / 2, 9 * gib), 16);

        assertThat(plan.table(12 * gib)).isEqualTo("""
                        memory of a training step, planned, in GiB:
                          weights          2.00
                          gradients        4.00
                          optimizer        0.50
                          activations      9.00  16 rows at a time
                          together        15.50  12.00 are free""");
        assertThat(plan.fits(12 * gib)).isFalse();
        assertThat(plan.fits(15 * gib + gib / 2)).isTrue();
    }

    @Test
    void cardsThatShareTheExpertsHoldAPartOfThemAndExchangeTokensAndGradients() {
        StepPlan one = plan(1, 1, 8);
        StepPlan two = plan(2, 2, 8);

        assertThat(one.wireBytes()).isZero();
        assertThat(one.phases()).doesNotContainKey(Phase.COMMUNICATION);
        double expertBytes = 2.0 * EXPERTS * 2 * WIDTH * INNER * Float.BYTES;
        assertThat(one.memory().parameters() - two.memory().parameters()).isEqualTo((long) expertBytes / 2);
        // Slots go there and back, forward and backward, in bfloat16; half of them to the other card.
        double slots = 4 * 2.0 * ROWS * (INPUTS + TARGETS) * WIDTH / 2;
        // Of the gradients of what both hold a card sends as much as there is: its half to the other, the sum of the
        // other's
        // half back. Experts' are in bfloat16, and so are those of all other projections.
        double shared = one.memory().gradients() - expertBytes / 2;
        assertThat(two.wireBytes()).isCloseTo(slots + shared, within(0.02 * shared));
        assertThat(two.tokens()).isEqualTo(2 * one.tokens());
    }

    @Test
    void hostsApartExchangeOverTheNetwork() {
        assertThat(plan(2, 2, 1).exchangeSeconds() / plan(2, 2, 8).exchangeSeconds())
                .isCloseTo(10, within(1e-9));
    }

    @Test
    void exchangesCostWhatTheRestOfTheStepDoesNotHide() {
        StepPlan quick = plan(2, 2, 8);
        StepPlan slow =
                plan(2, 2, 8, new CardRates(8e10, 1e14, 1e14, 1e12, 1e14, 1e14, 1e12, 1e12, 1e12, 1e7, 1e7, 0, 0));

        // Slots of the first sparse layer have nothing beside them until the first chunk is there.
        assertThat(exposed(quick)).isBetween(1e-9, quick.exchangeSeconds() - 1e-9);
        // Of exchanges that take nearly all the time, nearly all shows.
        assertThat(exposed(slow)).isBetween(0.99 * slow.exchangeSeconds(), slow.exchangeSeconds());
        assertThat(slow.stepSeconds() - exposed(slow)).isCloseTo(quick.stepSeconds() - exposed(quick), within(1e-9));
    }

    private static double exposed(StepPlan plan) {
        return plan.phases().get(Phase.COMMUNICATION).seconds();
    }
}
