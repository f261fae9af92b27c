package dev.sparkswitch.jobs.run;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;

/** Answers the questions of one partition. */
final class AnswerWriter implements FlatMapFunction<Iterator<Answerer.Question>, AnswerWriter.Answer> {
    private static final long serialVersionUID = 1L;

    /** What the model wrote. */
    record Answer(long id, String text) implements Serializable {}

    private final Answerer.Settings settings;

    AnswerWriter(Answerer.Settings settings) {
        this.settings = settings;
    }

    @Override
    public Iterator<Answer> call(Iterator<Answerer.Question> partition) {
        List<Answerer.Question> questions = new ArrayList<>();
        partition.forEachRemaining(questions::add);
        List<Answer> answers = new ArrayList<>();
        try (Answerer answerer = new Answerer(settings)) {
            String[] texts = answerer.answer(questions, count -> {});
            for (int i = 0; i < texts.length; i++) {
                answers.add(new Answer(questions.get(i).id(), texts[i]));
            }
        }
        return answers.iterator();
    }
}
