package dev.sparkswitch.eval.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.report.MetricsLog;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

final class ComparisonTest {
    /** A run that is measured every 10 steps, each of which takes {@code seconds}. */
    private static StudyVariant.Run run(long seed, double seconds, double... losses) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < losses.length; i++) {
            long step = 10L * (i + 1);
            lines.append(String.format(
                    Locale.ROOT,
                    "{\"step\":%d,\"cross-entropy\":2.5,\"seconds\":%s,\"trained\":%s,\"heldout-loss\":%s,"
                            + "\"dropped-fraction\":0.01,\"layers\":[{\"name\":\"encoder 1\",\"load\":[0.5,0.3,0.1,0.1],"
                            + "\"confidence\":0.4}]}%n",
                    step,
                    seconds,
                    step * seconds,
                    losses[i]));
        }
        try {
            MetricsLog log = MetricsLog.read(new BufferedReader(new StringReader(lines.toString())), "test");
            return new StudyVariant.Run(seed, StudyVariant.State.FINISHED, "", log);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static StudyVariant variant(String name, double stepFlops, StudyVariant.Run... runs) {
        return new StudyVariant(name, 4, "1.25", 1_000_000, stepFlops, 600, 6, List.of(runs));
    }

    private static final StudyVariant DENSE = variant("dense", 6e9, run(0, 0.5, 5.0, 4.0, 3.5, 3.25));

    private static Comparison compare(StudyVariant... others) {
        List<StudyVariant> variants = new ArrayList<>(List.of(DENSE));
        variants.addAll(List.of(others));
        return Comparison.of(variants, "dense", OptionalDouble.empty());
    }

    @Test
    void aSpeedUpCountsTheStepsAndTheTimeUntilTheBaselinesBestLoss() {
        // From 3.5 after 10 steps to 3.0 after 20 the target, 3.25, lies halfway: 15 steps of 1 s against 40 of 0.5 s.
        Comparison.Row sparse =
                compare(variant("sparse", 6.6e9, run(0, 1.0, 3.5, 3.0))).rows().get(1);

        assertThat(sparse.stepsToTarget()).isCloseTo(15, within(1e-9));
        assertThat(sparse.stepSpeedUp()).isCloseTo(40 / 15.0, within(1e-9));
        assertThat(sparse.timeSpeedUp()).isCloseTo(20 / 15.0, within(1e-9));
        assertThat(sparse.flopsRatio()).isCloseTo(1.1, within(1e-9));
        assertThat(sparse.rowsPerSecond()).isEqualTo(6);
        assertThat(sparse.tokensPerSecond()).isEqualTo(600);
    }

    @Test
    void theBaselineIsAsFastAsItselfAlsoWhereItGotWorseInTheEnd() {
        StudyVariant overfitted = variant("dense", 6e9, run(0, 0.5, 5.0, 3.0, 3.5));
        Comparison comparison = Comparison.of(List.of(overfitted), "dense", OptionalDouble.empty());

        assertThat(comparison.target()).isEqualTo(3.0);
        assertThat(comparison.baseline().stepsToTarget()).isEqualTo(20);
        assertThat(comparison.baseline().stepSpeedUp()).isEqualTo(1);
    }

    @Test
    void tablesCanBePastedIntoMarkdown() {
        String text = StudyReport.markdown(compare(variant("sparse", 6.6e9, run(0, 1.0, 3.5, 3.0))));

        assertThat(text)
                .contains("| Model | Steps | Time | Speed-up in steps | in time |")
                .contains("|---|--:|--:|--:|--:|")
                .contains("| sparse | 15 | 15 s | 2.67 | 1.33 | 3.0000 | 2.5000 | 20 |");
    }

    @Test
    void aVariantThatDidNotGetThereHasNoSpeedUp() {
        Comparison.Row slow =
                compare(variant("slow", 6e9, run(0, 0.5, 5.5, 5.0, 4.5))).rows().get(1);

        assertThat(slow.stepSpeedUp()).isNaN();
        assertThat(StudyReport.page("Study", "", compare(slow.variant()), List.of())
                        .html())
                .contains("not reached");
    }

    @Test
    void lossesAreComparedAtTheLastStepThatAllHaveMeasured() {
        Comparison comparison = compare(variant("sparse", 6e9, run(0, 1.0, 3.5, 3.0)));

        assertThat(comparison.step()).isEqualTo(20);
        assertThat(comparison.baseline().lossAtStep()).isEqualTo(4.0);
        assertThat(comparison.rows().get(1).lossAtStep()).isEqualTo(3.0);
    }

    @Test
    void aVariantThatHasNotBegunLeavesTheOthersTheirFigures() {
        Comparison comparison = compare(variant("sparse", 6e9, run(0, 1.0, 3.5, 3.0)), variant("waiting", 6e9));

        assertThat(comparison.step()).isEqualTo(20);
        assertThat(comparison.rows().get(2).best()).isNaN();
        assertThat(StudyReport.page("Study", "", comparison, List.of()).html()).contains("waiting");
    }

    @Test
    void seedsAreShownAsTheirMeanAndDeviation() {
        Comparison.Row row = compare(variant("seeds", 6e9, run(0, 1.0, 4.0, 3.0), run(1, 3.0, 4.0, 3.5, 3.0)))
                .rows()
                .get(1);

        // Two values apart by 0.5 have a standard deviation of 0.5 / sqrt 2.
        assertThat(row.course().points()).hasSize(2);
        assertThat(row.lossAtStep()).isEqualTo(3.25);
        assertThat(row.deviationAtStep()).isCloseTo(0.35355, within(1e-5));
        assertThat(row.course().at(20).orElseThrow().seconds()).isEqualTo(40);
    }

    @Test
    void theTimeToAThresholdOfOnesOwnIsTold() {
        Comparison comparison = Comparison.of(List.of(DENSE), "dense", OptionalDouble.of(4.5));

        // Halfway from 5.0 after 5 s to 4.0 after 10 s.
        assertThat(comparison.baseline().secondsToThreshold()).isCloseTo(7.5, within(1e-9));
        assertThat(comparison.target()).isEqualTo(3.25);
    }

    @Test
    void expertsAreShownByTheirLoad() {
        ExpertLoad load = compare().baseline().load();

        // The busiest of four experts has half of the tokens: twice its share.
        assertThat(load.most()).isCloseTo(2.0, within(1e-9));
        assertThat(load.least()).isCloseTo(0.4, within(1e-9));
        assertThat(load.dropped()).isCloseTo(0.01, within(1e-9));
    }

    @Test
    void theFiguresAreThereForPrograms() {
        JsonNode json = StudyJson.of(compare(variant("sparse", 6.6e9, run(0, 1.0, 3.5, 3.0))));

        assertThat(json.at("/variants/sparse/speed-up-in-steps").doubleValue()).isCloseTo(2.6667, within(1e-4));
        assertThat(json.at("/variants/dense/course/0/flops").doubleValue()).isEqualTo(6e10);
        assertThat(json.at("/variants/sparse/runs/0/state").textValue()).isEqualTo("finished");
    }

    @Test
    void aBaselineThatIsNoVariantIsRefused() {
        assertThatThrownBy(() -> Comparison.of(List.of(DENSE), "Dense", OptionalDouble.empty()))
                .isInstanceOf(UserException.class)
                .hasMessage("The baseline 'Dense' is none of the variants [dense]: name one of them.");
    }
}
