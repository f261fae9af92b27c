package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BootstrapTest {
    private static final LabelMetric ACCURACY =
            new LabelMetric(List.of("False", "True"), LabelMetric.Averages.ACCURACY);

    private static List<Answer> answers(int count, int right) {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            answers.add(Answer.label("a" + i, "True", i < right ? "True" : "False"));
        }
        return answers;
    }

    @Test
    void theStandardErrorIsThatOfAProportion() {
        Scores.Score score = Scores.of("t", ACCURACY, answers(400, 300), Bootstrap.standard(3))
                .score("accuracy");
        double expected = 100 * Math.sqrt(0.75 * 0.25 / 400);
        assertThat(score.value()).isEqualTo(75);
        assertThat(score.standardError()).isCloseTo(expected, within(0.15));
        assertThat(score.low()).isCloseTo(75 - 1.96 * expected, within(0.6));
        assertThat(score.high()).isCloseTo(75 + 1.96 * expected, within(0.6));
    }

    @Test
    void theSeedAloneDecidesTheInterval() {
        Scores first = Scores.of("t", ACCURACY, answers(50, 30), Bootstrap.standard(3));
        assertThat(Scores.of("t", ACCURACY, answers(50, 30), Bootstrap.standard(3)))
                .isEqualTo(first);
        assertThat(Scores.of("t", ACCURACY, answers(50, 30), Bootstrap.standard(4)))
                .isNotEqualTo(first);
    }
}
