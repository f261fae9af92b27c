package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class PairedTestTest {
    private static final LabelMetric ACCURACY =
            new LabelMetric(List.of("False", "True"), LabelMetric.Averages.ACCURACY);
    private static final PairedTest TEST = new PairedTest(new Bootstrap(5, 4000, 0.95));

    /** Right answers are the first {@code from} to {@code to}. */
    private static List<Answer> answers(int count, int from, int to) {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            answers.add(Answer.label("a" + i, "True", i >= from && i < to ? "True" : "False"));
        }
        return answers;
    }

    private static PairedTest.Comparison compare(List<Answer> baseline, List<Answer> system) {
        return TEST.compare(ACCURACY, baseline, system).get(0);
    }

    @Test
    void systemsThatAnswerAlikeDoNotDiffer() {
        PairedTest.Comparison same = compare(answers(50, 0, 30), answers(50, 0, 30));
        assertThat(same.difference()).isZero();
        assertThat(same.chance()).isEqualTo(1);
        assertThat(same.low()).isZero();
        assertThat(same.high()).isZero();
    }

    @Test
    void theChanceIsThatOfTossingACoinForEachExampleOnWhichTheyDiffer() {
        // Eight examples that the second system alone has right: 2 of 2^8 outcomes are as extreme.
        PairedTest.Comparison better = compare(answers(20, 0, 6), answers(20, 0, 14));
        assertThat(better.difference()).isEqualTo(40, within(1e-9));
        assertThat(better.chance()).isCloseTo(2.0 / 256, within(0.005));
    }

    @Test
    void theIntervalOfTheDifferenceIsThatOfPairs() {
        // Each pair differs by 0 or 1: the standard error is that of a proportion, 100 sqrt(0.2 * 0.8 / 400).
        PairedTest.Comparison better = compare(answers(400, 0, 200), answers(400, 0, 280));
        assertThat(better.low()).isCloseTo(20 - 1.96 * 2, within(0.6));
        assertThat(better.high()).isCloseTo(20 + 1.96 * 2, within(0.6));
        assertThat(better.chance()).isLessThan(0.001);
    }

    @Test
    void theOrderOfTheAnswersDoesNotMatter() {
        List<Answer> turned = answers(20, 0, 14);
        Collections.reverse(turned);
        assertThat(compare(answers(20, 0, 6), turned)).isEqualTo(compare(answers(20, 0, 6), answers(20, 0, 14)));
    }

    @Test
    void otherExamplesAreNotCompared() {
        assertThatThrownBy(() -> compare(answers(20, 0, 6), answers(21, 0, 6)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("other examples");
    }
}
