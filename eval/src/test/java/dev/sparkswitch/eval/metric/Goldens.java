package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.assertj.core.data.Offset;

/** What the golden tests share. */
final class Goldens {
    static final ObjectMapper JSON = new ObjectMapper();
    static final Offset<Double> EXACT = within(1e-6);
    static final Bootstrap BOOTSTRAP = new Bootstrap(1, 2, 0.95);

    private Goldens() {}

    static List<Answer> pairs(List<String> targets, List<String> predictions) {
        assertThat(predictions).hasSameSizeAs(targets);
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < targets.size(); i++) {
            answers.add(new Answer(Integer.toString(i), "", List.of(targets.get(i)), Optional.of(predictions.get(i))));
        }
        return answers;
    }

    static double[] sums(Metric metric, List<Answer> answers) {
        double[] sums = new double[metric.width()];
        for (Answer answer : answers) {
            metric.accumulate(List.of(answer), sums);
        }
        return sums;
    }

    static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.textValue()));
        return texts;
    }

    static BleuMetric t5Bleu() {
        return new BleuMetric(BleuTokenizer.INTERNATIONAL, BleuMetric.Smoothing.EXPONENTIAL, BleuMetric.Case.MIXED);
    }
}
