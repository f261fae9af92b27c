package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.jobs.InProcess;
import dev.sparkswitch.tests.cluster.TinyShards;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code study}, and the budgets and limits of time that it rests on; all in this process, without Spark's executors. */
final class StudyTest {
    private static final String MODEL = """
              model:
                vocabulary-size: 100
                model-size: 16
                key-size: 4
                heads: 4
                feed-forward-size: 24
                encoder-layers: 2
                decoder-layers: 2
                sparse:
                  experts: 4
                  sparse-encoder-layers: 1
                  sparse-decoder-layers: 1
                  capacity: {group-rows: 2}
              training: {rows: 8, evaluate-every: 2, held-out-rows: 8, log-every: 1}
              cluster: {place: host}
              engine: {kind: nd4j, threads: 1}
            """;

    private static final String STUDY = """
            output: '@/study'
            steps: 4
            base:
              shards: '@/shards'
            """ + MODEL + """
            variants:
              dense: {model: {sparse: null}}
              switch-4: {}
            """;

    @TempDir
    private Path folder;

    @BeforeEach
    void writeSettings() throws IOException {
        TinyShards.write(folder.resolve("shards"), 64, 100);
        Files.writeString(folder.resolve("study.yaml"), STUDY.replace("@", folder.toString()));
        String pretrain = "shards: '@/shards'\noutput: '@/run'\n" + MODEL.replaceAll("(?m)^  ", "");
        Files.writeString(folder.resolve("pretrain.yaml"), pretrain.replace("@", folder.toString()));
    }

    private InProcess run(String command) {
        return TinyPipeline.run(folder, command);
    }

    private JsonNode json(String file) throws IOException {
        return new ObjectMapper().readTree(folder.resolve(file).toFile());
    }

    @Test
    void variantsAreTrainedComparedAndNotTrainedAgain() throws IOException {
        InProcess first = run("study --config @/study.yaml");

        assertThat(first.err()).isEmpty();
        assertThat(first.code()).isZero();
        JsonNode figures = json("study/study.json");
        assertThat(figures.at("/variants/switch-4/flops-ratio").doubleValue()).isBetween(1.0, 1.03);
        assertThat(figures.at("/variants/dense/speed-up-in-steps").doubleValue())
                .isEqualTo(1);
        assertThat(figures.at("/variants/switch-4/course")).hasSize(2);
        assertThat(figures.at("/variants/switch-4/course/1/heldout-loss").doubleValue())
                .isEqualTo(Double.parseDouble(json("study/switch-4/manifest.json")
                        .at("/properties/heldout-loss")
                        .asText()));
        assertThat(folder.resolve("study/study.md")).content().contains("| switch-4 | 1.25 | -");
        assertThat(folder.resolve("study/study.html")).content().contains("Expert load, switch-4", "Speed-up");

        byte[] metrics = Files.readAllBytes(folder.resolve("study/switch-4/metrics.jsonl"));
        InProcess second = run("study --config @/study.yaml");
        assertThat(second.code()).isZero();
        assertThat(second.out()).contains("switch-4, seed 0: finished before");
        assertThat(folder.resolve("study/switch-4/metrics.jsonl")).hasBinaryContent(metrics);
    }

    @Test
    void aStudyThatRanOutOfTimeSaysSoAndGoesOn() throws IOException {
        InProcess limited = run("study --config @/study.yaml --set time-limit=1ms");

        assertThat(limited.code()).isEqualTo(3);
        assertThat(limited.err()).contains("The study's time limit came with 2 of 2 runs unfinished");
        assertThat(json("study/study.json").at("/variants/dense/runs/0/state").textValue())
                .isEqualTo("waiting");
        assertThat(run("study --config @/study.yaml").code()).isZero();
    }

    @Test
    void runsSideBySideAllStopAtTheTimeLimit() throws IOException {
        InProcess limited = run("study --config @/study.yaml --set time-limit=6s side-by-side=2 steps=1000000");

        assertThat(limited.code()).isEqualTo(3);
        assertThat(limited.err()).contains("The study's time limit came with 2 of 2 runs unfinished");
        assertThat(json("study/study.json").get("variants").findValuesAsText("state"))
                .containsExactly("under-way", "under-way");
        assertThat(json("study/study.json").at("/variants/dense/best-loss").doubleValue())
                .isPositive();
    }

    @Test
    void seedsAndVariantsRunSideBySide() throws IOException {
        InProcess outcome = run("study --config @/study.yaml --set seeds=[1,2] side-by-side=2 steps=2");

        assertThat(outcome.err()).isEmpty();
        JsonNode variants = json("study/study.json").get("variants");
        assertThat(variants.at("/switch-4/runs").findValuesAsText("state")).containsExactly("finished", "finished");
        assertThat(variants.at("/switch-4/deviation-at-step").doubleValue()).isPositive();
    }

    @Test
    void aVariantThatFailsLeavesTheOthersAlone() throws IOException {
        InProcess outcome = run(
                "study --config @/study.yaml --set variants.dense.training={learning-rate:~{rate:~1e30},~divergence:~{rollbacks:~0}}");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("1 of 2 runs failed, first of them dense, seed 0: ", "diverged");
        JsonNode variants = json("study/study.json").get("variants");
        assertThat(variants.at("/switch-4/runs/0/state").textValue()).isEqualTo("finished");
        assertThat(variants.at("/dense/runs/0/state").textValue()).isEqualTo("failed");
        assertThat(folder.resolve("study/dense/metrics.jsonl")).content().contains("\"step\":1,");
    }

    /** With their own variants, cut down to a tiny model and three steps. */
    @ParameterizedTest
    @ValueSource(strings = {"capacity", "precision", "exploration", "attention"})
    void readyMadeStudiesRun(String name) throws IOException {
        String tiny =
                " base.model.vocabulary-size=100 base.model.model-size=16 base.model.key-size=4 base.model.heads=4"
                        + " base.model.feed-forward-size=24 base.model.encoder-layers=2 base.model.decoder-layers=2"
                        + " base.model.sparse.experts=4 base.model.sparse.sparse-encoder-layers=1"
                        + " base.model.sparse.sparse-decoder-layers=1 base.model.sparse.capacity.group-rows=2"
                        + " base.training={rows:~8,evaluate-every:~1,held-out-rows:~8,log-every:~1}"
                        + " base.engine.kind=nd4j base.engine.threads=1";

        InProcess outcome = run("study --config ../conf/studies/" + name
                + ".yaml --set output=@/study base.shards=@/shards steps=3 side-by-side=8" + tiny);

        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.code()).isZero();
        assertThat(json("study/study.json").get("variants").findValuesAsText("state"))
                .isNotEmpty()
                .containsOnly("finished");
    }

    @Test
    void mistakesInAVariantAreToldBeforeAnythingIsStarted() {
        InProcess outcome = run("study --config @/study.yaml --set variants.switch-4.model.sparse.experst=8");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("In the variant switch-4: model.sparse.experst: unknown key; the nearest known one is"
                        + " model.sparse.experts");
        assertThat(folder.resolve("study")).doesNotExist();
    }

    @Test
    void aRunThatIsStoppedByItsTimeLimitEndsAsIfItHadNotBeen() throws IOException {
        assertThat(run("pretrain --config @/pretrain.yaml --set training.steps=3 output=@/whole")
                        .code())
                .isZero();

        String limited = "pretrain --config @/pretrain.yaml --set training.steps=3 cluster.time-limit=1ms";
        InProcess first = run(limited);
        assertThat(first.code()).isEqualTo(3);
        assertThat(first.err()).contains("The time limit of this pretrain (cluster.time-limit) came before its end");
        assertThat(run(limited).code()).isEqualTo(3);
        assertThat(run(limited).code()).isZero();

        assertThat(json("run/manifest.json").at("/properties/heldout-loss").asDouble())
                .isPositive();
        assertThat(json("run/manifest.json").at("/properties/heldout-loss"))
                .isEqualTo(json("whole/manifest.json").at("/properties/heldout-loss"));
    }

    @Test
    void aRunEndsWhenItsTimeForTrainingIsUsedUp() throws IOException {
        assertThat(run("pretrain --config @/pretrain.yaml --set training.steps=1000 training.time=1ms")
                        .code())
                .isZero();

        assertThat(json("run/manifest.json").at("/counts/steps").intValue()).isEqualTo(1);
    }
}
