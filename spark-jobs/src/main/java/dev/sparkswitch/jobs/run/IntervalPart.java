package dev.sparkswitch.jobs.run;

import com.dynatrace.hash4j.hashing.Hashing;
import dev.sparkswitch.eval.metric.Answer;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.Metric;
import dev.sparkswitch.eval.metric.PoissonBootstrap;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.metric.SumMetric;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;

/** What one partition of a table of predictions gives to scores with intervals. */
final class IntervalPart implements FlatMapFunction<Iterator<Row>, IntervalPart.State> {
    private static final long serialVersionUID = 1L;

    private final PredictionFrame.MetricSource source;
    private final long seed;
    private final int resamples;
    private final double level;

    IntervalPart(PredictionFrame.MetricSource source, Bootstrap bootstrap) {
        this.source = source;
        this.seed = bootstrap.seed();
        this.resamples = bootstrap.resamples();
        this.level = bootstrap.level();
    }

    @Override
    public Iterator<State> call(Iterator<Row> rows) {
        SumMetric metric = (SumMetric) source.metric();
        PoissonBootstrap sums = new PoissonBootstrap(metric, new Bootstrap(seed, resamples, level));
        Counter counter = new Counter(metric, sums);
        PredictionFrame.units(rows, counter::take);
        return List.of(counter.state()).iterator();
    }

    /** Counts while units pass. */
    private static final class Counter {
        private final Metric metric;
        private final PoissonBootstrap sums;
        private long examples;
        private long missing;
        private long invalid;
        private long keyless;
        private int fewest = Integer.MAX_VALUE;
        private int most;

        Counter(Metric metric, PoissonBootstrap sums) {
            this.metric = metric;
            this.sums = sums;
        }

        void take(PredictionFrame.Unit unit) {
            for (Answer answer : unit.answers()) {
                examples++;
                fewest = Math.min(fewest, answer.references().size());
                most = Math.max(most, answer.references().size());
                if (answer.prediction().isEmpty()) {
                    missing++;
                } else if (!metric.valid(answer)) {
                    invalid++;
                }
            }
            if (unit.key().isEmpty()) {
                keyless++;
                return;
            }
            double[] statistics = new double[metric.width()];
            metric.accumulate(unit.answers(), statistics);
            sums.add(Hashing.murmur3_128().hashCharsTo128Bits(unit.key().get()).getMostSignificantBits(), statistics);
        }

        State state() {
            return new State(examples, missing, invalid, keyless, fewest, most, sums.sums());
        }
    }

    /**
     * Of some rows.
     *
     * @param examples rows
     * @param missing rows without a prediction
     * @param invalid rows whose prediction is no legal answer
     * @param keyless rows that cannot be told apart
     * @param fewest references of a row
     * @param most references of a row
     * @param sums see {@link PoissonBootstrap#sums}
     */
    record State(long examples, long missing, long invalid, long keyless, int fewest, int most, long[] sums)
            implements Serializable {
        /** Of these rows and others. */
        State plus(State other) {
            long[] both = sums.clone();
            PoissonBootstrap.merge(other.sums, both);
            return new State(
                    examples + other.examples,
                    missing + other.missing,
                    invalid + other.invalid,
                    keyless + other.keyless,
                    Math.min(fewest, other.fewest),
                    Math.max(most, other.most),
                    both);
        }

        Scores scores(String task, SumMetric metric, Bootstrap bootstrap) {
            PoissonBootstrap whole = new PoissonBootstrap(metric, bootstrap);
            whole.merge(sums);
            double[] values = whole.scores();
            Bootstrap.Interval[] intervals = whole.intervals();
            List<Scores.Score> scores = new ArrayList<>();
            for (int i = 0; i < values.length; i++) {
                scores.add(new Scores.Score(
                        metric.names().get(i),
                        values[i],
                        intervals[i].low(),
                        intervals[i].high(),
                        intervals[i].standardError()));
            }
            return new Scores(
                    task,
                    metric.signature(fewest == most ? most : 0),
                    examples,
                    whole.units(),
                    missing,
                    invalid,
                    bootstrap.level(),
                    scores);
        }
    }
}
