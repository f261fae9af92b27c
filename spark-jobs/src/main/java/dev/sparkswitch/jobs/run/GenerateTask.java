package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Answers the rows of one Spark partition, which come in order, part by part; the model is loaded at the first part that is
 * not answered yet.
 */
final class GenerateTask implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1L;

    private final Answerer.Settings settings;
    private final AnswerParts parts;
    private final RowTexts texts;
    private final int partRows;
    private final LongAccumulator done;

    /**
     * @param done counts rows that have their answers
     */
    GenerateTask(Answerer.Settings settings, AnswerParts parts, RowTexts texts, int partRows, LongAccumulator done) {
        this.settings = settings;
        this.parts = parts;
        this.texts = texts;
        this.partRows = partRows;
        this.done = done;
    }

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        Work work = new Work(rows);
        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) finished -> work.close());
        return work;
    }

    /** The rows with their answers. */
    private final class Work implements Iterator<Row>, AutoCloseable {
        private final Iterator<Row> rows;
        private final Deque<Row> answered = new ArrayDeque<>();
        /** The first row of the next part. */
        private Row ahead;

        private Answerer answerer;

        Work(Iterator<Row> rows) {
            this.rows = rows;
        }

        @Override
        public boolean hasNext() {
            if (answered.isEmpty() && (ahead != null || rows.hasNext())) {
                part();
            }
            return !answered.isEmpty();
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new NoSuchElementException("no row is left");
            }
            return answered.poll();
        }

        private void part() {
            List<Row> part = new ArrayList<>();
            part.add(ahead != null ? ahead : rows.next());
            ahead = null;
            long index = RowTexts.number(part.get(0)) / partRows;
            while (ahead == null && rows.hasNext()) {
                Row row = rows.next();
                if (RowTexts.number(row) / partRows == index) {
                    part.add(row);
                } else {
                    ahead = row;
                }
            }
            List<ObjectNode> trees = new ArrayList<>();
            for (Row row : part) {
                trees.add(texts.tree(row));
            }
            String[] answers = parts.read(index, part.size()).orElse(null);
            if (answers == null) {
                answers = answer(part, trees);
                parts.write(index, answers);
            } else {
                done.add(answers.length);
            }
            for (int i = 0; i < answers.length; i++) {
                answered.add(finished(part.get(i), trees.get(i), answers[i]));
            }
        }

        private String[] answer(List<Row> part, List<ObjectNode> trees) {
            List<Answerer.Question> questions = new ArrayList<>();
            for (int i = 0; i < part.size(); i++) {
                questions.add(texts.question(part.get(i), trees.get(i)));
            }
            if (answerer == null) {
                answerer = new Answerer(settings);
            }
            return answerer.answer(questions, done::add);
        }

        /** The row's own columns and the answer, or where it has none the row as JSON with the answer in it. */
        private Row finished(Row row, ObjectNode tree, String answer) {
            int own = RowTexts.own(row);
            if (own == 0) {
                return RowFactory.create(tree.put(texts.answerColumn(), answer).toString());
            }
            Object[] values = new Object[own + 1];
            for (int i = 0; i < own; i++) {
                values[i] = row.get(i);
            }
            values[own] = answer;
            return RowFactory.create(values);
        }

        @Override
        public void close() {
            if (answerer != null) {
                answerer.close();
                answerer = null;
            }
        }
    }
}
