package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.eval.task.Tasks;
import dev.sparkswitch.jobs.InProcess;
import dev.sparkswitch.jobs.run.PredictionFrame;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/** {@code sparkswitch evaluate} with a tiny model. {@code @} stands for the folder of a {@link TinyPipeline}. */
class EvaluateJobTest extends TinyModelJobs {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String EVALUATE = "evaluate --config @/evaluate.yaml ";
    private static final String FILE = EVALUATE + "--set predictions=@/predictions/";

    private static void assertRefused(InProcess outcome, String says) {
        assertThat(outcome.err()).startsWith("error: ").hasLineCount(1).contains(says);
        assertThat(outcome.code()).isEqualTo(2);
    }

    private static List<JsonNode> predictions(String output) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(output).resolve("predictions.jsonl"))) {
            rows.add(JSON.readTree(line));
        }
        return rows;
    }

    private static JsonNode metrics(String output) throws IOException {
        return JSON.readTree(folder.resolve(output).resolve("metrics.json").toFile());
    }

    private static List<String> texts(List<JsonNode> rows) {
        return rows.stream().map(row -> row.path("prediction").asText()).toList();
    }

    /** The second run has the folder that one leaves that was killed after its first part. */
    @Test
    void aModelIsScoredAndGoesOnWhereItWasStopped() throws IOException {
        assertDone(run(EVALUATE + "--set part-rows=2"));
        List<JsonNode> rows = predictions("new");
        assertThat(rows).hasSize(4).allSatisfy(row -> {
            assertThat(row.path("task").asText()).isEqualTo("boolq");
            assertThat(row.path("input").asText()).startsWith("boolq passage: it is number");
            assertThat(row.path("scores").has("accuracy")).isTrue();
        });
        JsonNode scores = metrics("new").at("/scores/0");
        assertThat(scores.path("examples").asInt()).isEqualTo(4);
        assertThat(scores.path("data").asText()).startsWith("sha256:");
        assertThat(metrics("new").at("/bootstrap/resamples").asInt()).isEqualTo(1000);
        assertThat(metrics("new").at("/config/inputs").asInt()).isEqualTo(512);
        assertThat(metrics("new").has("model")).isTrue();
        assertThat(folder.resolve("new/report.html")).content().contains("BoolQ", "Gold labels in rows");
        assertThat(folder.resolve("new/superglue/BoolQ.jsonl"))
                .content()
                .startsWith("{\"idx\":0,\"label\":")
                .hasLineCount(4);
        assertThat(folder.resolve("new/answers")).doesNotExist();
        try (SparkSession spark = SparkSession.builder().getOrCreate()) {
            List<Row> table = spark.read()
                    .parquet(folder + "/new/examples")
                    .orderBy("id")
                    .select("id", "prediction")
                    .collectAsList();
            assertThat(table.stream().map(row -> row.getString(1))).containsExactlyElementsOf(texts(rows));
            Map<String, Double> together = PredictionFrame.scores(
                    spark.read().parquet(folder + "/new/examples").repartition(3),
                    () -> Tasks.named("boolq").metric());
            assertThat(together.get("accuracy"))
                    .isEqualTo(scores.at("/scores/accuracy/value").asDouble());
        }

        Path parts = Files.createDirectories(folder.resolve("new-stopped/answers"));
        Files.copy(folder.resolve("new/run.json"), folder.resolve("new-stopped/run.json"));
        JSON.writeValue(parts.resolve("00000000.json").toFile(), List.of("True", "True"));
        assertDone(run(EVALUATE + "--set part-rows=2 --set output=@/new-stopped"));
        assertThat(texts(predictions("new-stopped")).subList(0, 2)).containsExactly("True", "True");
        assertThat(texts(predictions("new-stopped")).subList(2, 4))
                .isEqualTo(texts(rows).subList(2, 4));
        assertThat(run(EVALUATE + "--set part-rows=2").out()).startsWith("evaluate was complete already");
    }

    @Test
    void theLikeliestLabelIsTheAnswerWhateverItsNeighbours() throws IOException {
        assertDone(run(EVALUATE + "--set answers=rank"));
        assertDone(run(EVALUATE + "--set answers=rank --set rows=3 --set part-rows=3 --set output=@/new-alone"));
        assertDone(run(EVALUATE + "--set answers=rank-by-length --set output=@/new-length"));
        List<JsonNode> together = predictions("new");
        List<JsonNode> alone = predictions("new-alone");
        for (int i = 0; i < together.size(); i++) {
            JsonNode likelihoods = together.get(i).path("log-likelihoods");
            double no = likelihoods.path("False").asDouble();
            double yes = likelihoods.path("True").asDouble();
            assertThat(no).isNegative();
            assertThat(together.get(i).path("prediction").asText()).isEqualTo(yes > no ? "True" : "False");
            assertThat(alone.get(i).at("/log-likelihoods/True").asDouble()).isCloseTo(yes, within(1e-4));
            // A label has a token or more and its end.
            double tokens = yes
                    / predictions("new-length")
                            .get(i)
                            .at("/log-likelihoods/True")
                            .asDouble();
            assertThat(tokens).isCloseTo(Math.rint(tokens), within(1e-4)).isGreaterThan(1.9);
        }
        assertThat(metrics("new").at("/scores/0/ranking").has("auc-roc")).isTrue();
        assertThat(metrics("new").at("/scores/0/invalid").asInt()).isZero();
    }

    @Test
    void aFileIsScoredAloneAndComparedOnTheSameRows() throws IOException {
        // Gold: True False True False; the file says True True True maybe.
        assertDone(run(FILE + "all.jsonl"));
        JsonNode scores = metrics("new").at("/scores/0");
        assertThat(scores.at("/scores/accuracy/value").asDouble()).isEqualTo(50);
        assertThat(scores.path("invalid").asInt()).isEqualTo(1);
        assertThat(scores.path("submission-mended").asInt()).isEqualTo(1);

        assertRefused(run(FILE + "missing.jsonl --set output=@/new-missing"), "2 of 4 examples have no prediction");
        assertThat(folder.resolve("new-missing")).doesNotExist();
        assertDone(run(FILE + "missing.jsonl --set missing=wrong --set output=@/new-missing"
                + " --set compare=[{path:~@/new,~name:~first}]"));
        assertThat(metrics("new-missing").at("/scores/0/missing").asInt()).isEqualTo(2);
        JsonNode compared = metrics("new-missing").at("/comparisons/0");
        assertThat(compared.path("baseline").asText()).isEqualTo("first");
        assertThat(compared.path("difference").asDouble()).isEqualTo(-25);
        assertThat(compared.path("chance").asDouble()).isEqualTo(1);
        assertThat(folder.resolve("new-missing/report.html")).content().contains("no difference shown");

        String before = Files.readString(folder.resolve("new/metrics.json"));
        assertRefused(
                run(FILE + "all.jsonl --set tasks=[{task:~boolq,~path:~@/tasks/train.jsonl}] --set missing=wrong"
                        + " --set output=@/new-rows --set compare=[{path:~@/new}]"),
                "scored other rows of boolq");
        assertRefused(run(FILE + "missing.jsonl --set missing=wrong"), "holds an evaluation with other settings");
        assertThat(folder.resolve("new/metrics.json")).hasContent(before);
    }

    @Test
    void rowsOfAnyFormAndTestSetsWithoutAnswersAreAnswered() throws IOException {
        try (SparkSession spark = SparkSession.builder().getOrCreate()) {
            spark.sql("select 'r' || id as id, 'what is ' || id as question, array('it', 'this') as answers"
                            + " from range(3)")
                    .coalesce(1)
                    .write()
                    .parquet(folder + "/new-rows");
        }
        assertDone(run(EVALUATE + "--set tasks=[{task:~text,~path:~@/new-rows,~text:~{name:~own,~input:~'{question}',"
                + "~target:~'{answers}',~metrics:~[squad,~chrf++]}},{task:~boolq,~path:~@/tasks,~split:~test,~gold:~absent}]"
                + " --set generation.max-length=4"));
        List<JsonNode> rows = predictions("new");
        assertThat(rows.subList(0, 3).stream().map(row -> row.path("input").asText()))
                .containsExactlyInAnyOrder("what is 0", "what is 1", "what is 2");
        assertThat(rows.get(0).path("scores").has("chrf2++")).isTrue();
        assertThat(rows.get(3).path("scores")).isEmpty();
        assertThat(folder.resolve("new/superglue/BoolQ.jsonl")).content().hasLineCount(1);
        assertThat(folder.resolve("new/report.html")).content().contains("no gold answers");
    }
}
