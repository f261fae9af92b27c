package dev.sparkswitch.jobs.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.LocalSpark;
import dev.sparkswitch.eval.metric.Answer;
import dev.sparkswitch.eval.metric.BleuMetric;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.ChrfMetric;
import dev.sparkswitch.eval.metric.Metric;
import dev.sparkswitch.eval.metric.MultiRcMetric;
import dev.sparkswitch.eval.metric.NumberMetric;
import dev.sparkswitch.eval.metric.RougeMetric;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.metric.SquadMetric;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class PredictionFrameTest {
    private static final SparkSession SPARK = LocalSpark.session();
    private static final StructType SCHEMA = new StructType()
            .add("group", DataTypes.StringType)
            .add("label", DataTypes.StringType)
            .add("references", DataTypes.createArrayType(DataTypes.StringType))
            .add("prediction", DataTypes.StringType);

    private static Dataset<Row> frame(List<Answer> answers) {
        List<Row> rows = new ArrayList<>();
        for (Answer answer : answers) {
            rows.add(RowFactory.create(
                    answer.group(),
                    answer.label(),
                    answer.references().toArray(String[]::new),
                    answer.prediction().orElse(null)));
        }
        return SPARK.createDataFrame(rows, SCHEMA).repartition(5);
    }

    private static void assertEqual(List<Answer> answers, PredictionFrame.MetricSource source) {
        Metric metric = source.metric();
        Scores single = Scores.of("task", metric, answers, new Bootstrap(1, 2, 0.95));
        Map<String, Double> together = PredictionFrame.scores(frame(answers), source);
        assertThat(together).hasSize(metric.names().size());
        for (Scores.Score score : single.scores()) {
            assertThat(together.get(score.name())).as(score.name()).isCloseTo(score.value(), within(1e-9));
        }
    }

    @Test
    void aTableOfPredictionsHasTheScoresOfASinglePass() {
        List<Answer> texts = new ArrayList<>();
        List<Answer> questions = new ArrayList<>();
        List<Answer> numbers = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            Optional<String> prediction = i % 9 == 0 ? Optional.empty() : Optional.of("a cat sat on mats " + i % 7);
            texts.add(new Answer("x" + i, "", List.of("the cat sat on " + i, "cats sit on mats"), prediction));
            // Groups of three, whose rows lie far apart.
            String gold = i % 3 == 0 ? "True" : "False";
            questions.add(Answer.label("q" + i % 20, gold, i % 5 == 0 ? "maybe" : i % 2 == 0 ? "True" : "False"));
            numbers.add(Answer.label("n" + i, Integer.toString(i * i % 11), Integer.toString(i % 4)));
        }
        assertEqual(texts, BleuMetric::standard);
        assertEqual(texts, ChrfMetric::withWords);
        assertEqual(texts, RougeMetric::t5);
        assertEqual(texts, SquadMetric::new);
        assertEqual(questions, MultiRcMetric::new);
        assertEqual(numbers, () -> new NumberMetric(NumberMetric.Kind.CORRELATION));
    }

    /** 400 answers, among them missing ones; each with the F1 and exact match of a few words. */
    private static List<Answer> answers() {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            Optional<String> prediction =
                    i % 50 == 0 ? Optional.empty() : Optional.of("cat " + i % 3 + (i % 7 == 0 ? " mat" : ""));
            answers.add(new Answer("x" + i, "", List.of("cat " + i % 2, "cat " + i % 5 + " sat"), prediction));
        }
        return answers;
    }

    @Test
    void intervalsDoNotDependOnHowTheTableIsCut() {
        Dataset<Row> frame = frame(answers());
        Bootstrap bootstrap = new Bootstrap(7, 100, 0.95);
        Scores one = PredictionFrame.scores(frame.coalesce(1), "squad", SquadMetric::new, bootstrap);
        assertThat(one.examples()).isEqualTo(400);
        assertThat(one.units()).isEqualTo(400);
        assertThat(one.missing()).isEqualTo(8);
        for (int parts : new int[] {3, 17}) {
            assertThat(PredictionFrame.scores(
                            frame.withColumnRenamed("group", "id").repartition(parts),
                            "squad",
                            SquadMetric::new,
                            bootstrap))
                    .isEqualTo(one);
        }
    }

    @Test
    void intervalsAreAsWideAsThoseOfDrawingWithReplacement() {
        Bootstrap bootstrap = new Bootstrap(7, 1000, 0.95);
        Scores together = PredictionFrame.scores(frame(answers()), "squad", SquadMetric::new, bootstrap);
        Scores single = Scores.of("squad", new SquadMetric(), answers(), bootstrap);
        for (Scores.Score score : single.scores()) {
            Scores.Score other = together.score(score.name());
            assertThat(other.value()).isCloseTo(score.value(), within(1e-9));
            assertThat(other.standardError()).isCloseTo(score.standardError(), withinPercentage(10));
            assertThat(other.low()).isCloseTo(score.low(), within(0.4 * score.standardError()));
            assertThat(other.high()).isCloseTo(score.high(), within(0.4 * score.standardError()));
        }
    }

    @Test
    void rowsThatCannotBeToldApartHaveNoIntervals() {
        Dataset<Row> frame = frame(answers());
        Bootstrap bootstrap = new Bootstrap(7, 10, 0.95);
        assertThatThrownBy(() -> PredictionFrame.scores(frame.drop("group"), "t", SquadMetric::new, bootstrap))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("neither a column 'group' nor 'id'");
        assertThatThrownBy(() -> PredictionFrame.scores(
                        frame.selectExpr("nullif(`group`, 'x5') as id", "references", "prediction"),
                        "t",
                        SquadMetric::new,
                        bootstrap))
                .isInstanceOf(UserException.class)
                .hasMessageStartingWith("1 predictions have neither a group nor an id");
        assertThatThrownBy(() -> PredictionFrame.scores(
                        frame, "t", () -> new NumberMetric(NumberMetric.Kind.CORRELATION), bootstrap))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("need all rows at once");
    }

    @Test
    void rowsWithoutGroupsAreUnitsOfTheirOwnAndATextIsOneReference() {
        Dataset<Row> frame = SPARK.sql(
                "select 'the cat' as references, prediction from values ('a cat'), ('cat'), ('dog') as t(prediction)");
        assertThat(PredictionFrame.scores(frame, SquadMetric::new).get("exact-match"))
                .isCloseTo(200.0 / 3, within(1e-9));
        assertThatThrownBy(() -> PredictionFrame.scores(frame.drop("references"), SquadMetric::new))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no column 'references', only prediction");
    }
}
