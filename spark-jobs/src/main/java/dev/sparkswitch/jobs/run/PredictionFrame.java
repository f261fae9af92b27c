package dev.sparkswitch.jobs.run;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.metric.Answer;
import dev.sparkswitch.eval.metric.Metric;
import dev.sparkswitch.eval.metric.MetricState;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;

/**
 * Scores a table of predictions of any size: each partition keeps a metric's state, and the states are merged. The columns
 * are those of the table that an evaluation writes: {@code prediction} (null: none), {@code references} (a text or a list of
 * texts), and where the metric wants them {@code label} and {@code group}.
 */
public final class PredictionFrame {
    private static final String GROUP = "group";

    /** Makes the metric on the machine that uses it, such as {@code RougeMetric::t5}. */
    public interface MetricSource extends Serializable {
        Metric metric();
    }

    private PredictionFrame() {}

    /**
     * The scores, by name; those of a single pass over all rows.
     *
     * @param frame answers of a group may lie anywhere in it
     * @throws UserException where a column is missing or there are no rows
     */
    public static SortedMap<String, Double> scores(Dataset<Row> frame, MetricSource source) {
        List<String> columns = Arrays.asList(frame.columns());
        for (String needed : List.of("prediction", "references")) {
            if (!columns.contains(needed)) {
                throw new UserException("The predictions have no column '" + needed + "', only "
                        + String.join(", ", columns) + ": name the columns prediction and references.");
            }
        }
        boolean list = frame.schema().apply("references").dataType() instanceof ArrayType;
        Column references = list ? col("references") : array(col("references"));
        Dataset<Row> answers = frame.select(
                columns.contains(GROUP)
                        ? col("`group`").cast("string")
                        : lit(null).cast("string"),
                columns.contains("label") ? coalesce(col("label"), lit("")) : lit(""),
                references,
                col("prediction"));
        if (columns.contains(GROUP)) {
            answers = answers.toDF(GROUP, "label", "references", "prediction")
                    .repartition(col("`group`"))
                    .sortWithinPartitions("`group`");
        }
        MetricState whole = new MetricState(source.metric());
        List<double[]> rows =
                answers.toJavaRDD().mapPartitions(new Part(source)).collect();
        if (rows.isEmpty()) {
            throw new UserException("There are no predictions to score: give a table with rows.");
        }
        rows.forEach(whole::merge);
        double[] values = whole.scores();
        SortedMap<String, Double> scores = new TreeMap<>();
        for (int i = 0; i < values.length; i++) {
            scores.put(source.metric().names().get(i), values[i]);
        }
        return scores;
    }

    /** The state of one partition, in which the rows of a group follow one another. */
    private static final class Part implements FlatMapFunction<Iterator<Row>, double[]> {
        private static final long serialVersionUID = 1L;

        private final MetricSource source;

        Part(MetricSource source) {
            this.source = source;
        }

        @Override
        public Iterator<double[]> call(Iterator<Row> rows) {
            MetricState state = new MetricState(source.metric());
            List<Answer> unit = new ArrayList<>();
            while (rows.hasNext()) {
                Row row = rows.next();
                boolean same = !row.isNullAt(0)
                        && !unit.isEmpty()
                        && unit.get(0).group().equals(row.getString(0));
                if (!unit.isEmpty() && !same) {
                    state.add(unit);
                    unit = new ArrayList<>();
                }
                unit.add(new Answer(
                        row.isNullAt(0) ? "" : row.getString(0),
                        row.getString(1),
                        row.<String>getList(2),
                        Optional.ofNullable(row.getString(3))));
            }
            if (!unit.isEmpty()) {
                state.add(unit);
            }
            return state.rows().iterator();
        }
    }
}
