package dev.sparkswitch.jobs.run;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.metric.Answer;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.Metric;
import dev.sparkswitch.eval.metric.MetricState;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.metric.SumMetric;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
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
    private static final String ID = "id";

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
        MetricState whole = new MetricState(source.metric());
        List<double[]> rows =
                answers(frame).toJavaRDD().mapPartitions(new Part(source)).collect();
        if (rows.isEmpty()) {
            throw noRows();
        }
        rows.forEach(whole::merge);
        double[] values = whole.scores();
        SortedMap<String, Double> scores = new TreeMap<>();
        for (int i = 0; i < values.length; i++) {
            scores.put(source.metric().names().get(i), values[i]);
        }
        return scores;
    }

    /**
     * The scores with intervals and counts, by {@link dev.sparkswitch.eval.metric.PoissonBootstrap}: the same to the last bit
     * however the rows are spread.
     *
     * @param frame as above, with a column {@code group} or {@code id} that tells the units of resampling apart
     * @param task the task's name, for the result
     * @throws UserException where a column or a row's key is missing, there are no rows, or the metric needs all rows at once
     */
    public static Scores scores(Dataset<Row> frame, String task, MetricSource source, Bootstrap bootstrap) {
        Metric metric = source.metric();
        if (!(metric instanceof SumMetric)) {
            throw new UserException("The scores " + String.join(", ", metric.names())
                    + " need all rows at once, so a table has no intervals for them: ask for the scores alone.");
        }
        List<String> columns = Arrays.asList(frame.columns());
        if (!columns.contains(GROUP) && !columns.contains(ID)) {
            throw new UserException("The predictions have neither a column 'group' nor 'id', only "
                    + String.join(", ", columns) + ": intervals need one of them to tell rows apart.");
        }
        IntervalPart.State whole = answers(frame)
                .toJavaRDD()
                .mapPartitions(new IntervalPart(source, bootstrap))
                .treeReduce(IntervalPart.State::plus);
        if (whole.examples() == 0) {
            throw noRows();
        }
        if (whole.keyless() > 0) {
            throw new UserException(
                    whole.keyless() + " predictions have neither a group nor an id: intervals need one of"
                            + " them to tell rows apart.");
        }
        return whole.scores(task, (SumMetric) metric, bootstrap);
    }

    private static UserException noRows() {
        return new UserException("There are no predictions to score: give a table with rows.");
    }

    /** The columns group, label, references, prediction, id; the rows of a group follow one another in one partition. */
    private static Dataset<Row> answers(Dataset<Row> frame) {
        List<String> columns = Arrays.asList(frame.columns());
        for (String needed : List.of("prediction", "references")) {
            if (!columns.contains(needed)) {
                throw new UserException("The predictions have no column '" + needed + "', only "
                        + String.join(", ", columns) + ": name the columns prediction and references.");
            }
        }
        boolean list = frame.schema().apply("references").dataType() instanceof ArrayType;
        Dataset<Row> answers = frame.select(
                text(columns, GROUP).as(GROUP),
                (columns.contains("label") ? coalesce(col("label"), lit("")) : lit("")).as("label"),
                (list ? col("references") : array(col("references"))).as("references"),
                col("prediction"),
                text(columns, ID).as(ID));
        return columns.contains(GROUP) ? answers.repartition(col("`group`")).sortWithinPartitions("`group`") : answers;
    }

    private static Column text(List<String> columns, String name) {
        return columns.contains(name)
                ? col("`" + name + "`").cast("string")
                : lit(null).cast("string");
    }

    /** Tells {@code taker} the units of a partition. */
    static void units(Iterator<Row> rows, Consumer<Unit> taker) {
        List<Answer> answers = new ArrayList<>();
        Optional<String> key = Optional.empty();
        while (rows.hasNext()) {
            Row row = rows.next();
            boolean same = !row.isNullAt(0)
                    && !answers.isEmpty()
                    && answers.get(0).group().equals(row.getString(0));
            if (!answers.isEmpty() && !same) {
                taker.accept(new Unit(key, answers));
                answers = new ArrayList<>();
            }
            key = Optional.ofNullable(row.isNullAt(0) ? row.getString(4) : row.getString(0));
            answers.add(new Answer(
                    row.isNullAt(0) ? "" : row.getString(0),
                    row.getString(1),
                    row.<String>getList(2),
                    Optional.ofNullable(row.getString(3))));
        }
        if (!answers.isEmpty()) {
            taker.accept(new Unit(key, answers));
        }
    }

    /**
     * What is resampled together.
     *
     * @param key the group, or without one the id
     */
    record Unit(Optional<String> key, List<Answer> answers) {}

    /** The state of one partition. */
    private static final class Part implements FlatMapFunction<Iterator<Row>, double[]> {
        private static final long serialVersionUID = 1L;

        private final MetricSource source;

        Part(MetricSource source) {
            this.source = source;
        }

        @Override
        public Iterator<double[]> call(Iterator<Row> rows) {
            MetricState state = new MetricState(source.metric());
            units(rows, unit -> state.add(unit.answers()));
            return state.rows().iterator();
        }
    }
}
