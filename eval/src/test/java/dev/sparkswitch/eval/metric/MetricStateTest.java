package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class MetricStateTest {
    private static final List<String> LABELS = List.of("False", "True");

    @Property(tries = 20)
    void statesOfPartsMergeIntoThatOfTheWhole(@ForAll @IntRange(min = 1, max = 6) int parts) {
        List<List<Answer>> texts = new ArrayList<>();
        List<List<Answer>> questions = new ArrayList<>();
        List<List<Answer>> numbers = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            texts.add(List.of(
                    Answer.text("x" + i, List.of("the cat sat on the mat " + i), "a cat, sat on mats " + i % 7)));
            questions.add(List.of(
                    Answer.label("q" + i, i % 3 == 0 ? "True" : "False", i % 5 == 0 ? "True" : "False"),
                    new Answer("q" + i, "True", List.of("True"), Optional.of("maybe"))));
            numbers.add(List.of(Answer.label("n" + i, Integer.toString(i * i % 11), Integer.toString(i % 4))));
        }
        CombinedMetric translation = new CombinedMetric(
                List.of(BleuMetric.standard(), ChrfMetric.withWords(), RougeMetric.t5(), new SquadMetric()));
        verify(translation, texts, parts);
        verify(new SequenceMetric(), texts, parts);
        verify(new MultiRcMetric(), questions, parts);
        verify(new LabelMetric(LABELS, LabelMetric.Averages.ACCURACY_AND_MACRO_F1), questions, parts);
        verify(new GroupMetric(GroupMetric.Worth.MEAN), questions, parts);
        verify(new MatthewsMetric(LABELS), questions, parts);
        verify(new NumberMetric(NumberMetric.Kind.CORRELATION), numbers, parts);
    }

    private static void verify(Metric metric, List<List<Answer>> units, int parts) {
        MetricState whole = new MetricState(metric);
        units.forEach(whole::add);
        MetricState merged = new MetricState(metric);
        for (int part = 0; part < parts; part++) {
            MetricState own = new MetricState(metric);
            for (int i = part; i < units.size(); i += parts) {
                own.add(units.get(i));
            }
            merged.merge(own);
        }
        assertThat(merged.scores()).containsExactly(whole.scores(), within(1e-9));
        if (metric instanceof SumMetric) {
            assertThat(merged.rows()).hasSize(1);
        }
    }
}
