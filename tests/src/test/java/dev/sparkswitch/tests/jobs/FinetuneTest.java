package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.jobs.InProcess;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code finetune} and {@code distill} as a person meets them. */
class FinetuneTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, String> CLUSTER = Map.of(
            "spark.master", "local[1]",
            "spark.app.name", "fine-tuning",
            "spark.ui.enabled", "false",
            "spark.sql.shuffle.partitions", "2");
    private static final Map<String, String> BEFORE = new TreeMap<>();
    private static final String FINETUNE = Mistake.FINETUNE + "--set cluster.place=host ";
    private static final String DISTILL = "distill --set cluster.place=host ";

    @TempDir
    static Path folder;

    @BeforeAll
    static void make() throws IOException {
        TinyPipeline.make(folder);
        CLUSTER.forEach((key, value) -> {
            String before = System.setProperty(key, value);
            if (before != null) {
                BEFORE.put(key, before);
            }
        });
    }

    @AfterAll
    static void forgetTheCluster() {
        CLUSTER.keySet().forEach(System::clearProperty);
        BEFORE.forEach(System::setProperty);
    }

    /** Runs a command line in which {@code @} stands for the folder and {@code ~} for a blank within an argument. */
    private static InProcess run(String command) {
        return TinyPipeline.run(folder, command);
    }

    private static void succeed(String command) {
        InProcess outcome = run(command);
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.code()).isZero();
    }

    private static JsonNode manifest(String run) throws IOException {
        return JSON.readTree(folder.resolve(run).resolve("manifest.json").toFile());
    }

    private static double property(JsonNode manifest, String name) {
        return Double.parseDouble(manifest.path("properties").path(name).asText());
    }

    /** The scores of the steps after which the model was evaluated. */
    private static Map<Long, Double> scores(String run, String name) throws IOException {
        Map<Long, Double> scores = new TreeMap<>();
        for (String line : Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl"))) {
            JsonNode step = JSON.readTree(line);
            if (step.path("scores").has(name)) {
                scores.put(
                        step.path("step").asLong(),
                        step.path("scores").path(name).asDouble());
            }
        }
        return scores;
    }

    /** Sentinels and ends of targets are no text. */
    @Test
    void preTrainingTellsTheLossOfTextApart() throws IOException {
        JsonNode teacher = manifest("model");

        assertThat(property(teacher, "heldout-text-loss")).isPositive().isNotEqualTo(property(teacher, "heldout-loss"));
    }

    /** With its own variants, cut down to two steps. */
    @Test
    void theReadyMadeStudyOfDropoutRuns() throws IOException {
        succeed("study --config ../conf/studies/dropout.yaml --set output=@/dropout steps=2 side-by-side=2"
                + " base.from=@/model base.vocabulary=@/vocabulary base.tasks=[{task:~boolq,path:~'@/tasks'}]"
                + " base.inputs=64 base.targets=8 base.held-out=0.3"
                + " base.training={rows:~8,evaluate-every:~1,held-out-rows:~8}");

        JsonNode study = JSON.readTree(folder.resolve("dropout/study.json").toFile());
        assertThat(study.get("variants").findValuesAsText("state")).hasSize(4).containsOnly("finished");
        assertThat(study.get("step").intValue()).isEqualTo(2);
    }

    @Test
    void theResultIsTheModelThatAnswersBest() throws IOException {
        succeed(FINETUNE + "--set output=@/best --set training.steps=6 --set training.evaluate-every=1"
                + " --set selection.labels=rank --set selection.metric=boolq/accuracy");

        Map<Long, Double> scores = scores("best", "boolq/accuracy");
        assertThat(scores).hasSize(6);
        double most = scores.values().stream().mapToDouble(score -> score).max().orElseThrow();
        long first = scores.entrySet().stream()
                .filter(entry -> entry.getValue() == most)
                .findFirst()
                .orElseThrow()
                .getKey();
        JsonNode manifest = manifest("best");
        assertThat(manifest.path("counts").path("best-step").asLong()).isEqualTo(first);
        assertThat(property(manifest, "best-value")).isEqualTo(most);
        assertThat(folder.resolve("best/report.html")).content().contains("Scores of the models on the way", "boolq");

        // What others begin with is that model, whatever came after it.
        succeed("convert --set from=@/best --set output=@/exported --set format=checkpoint");
        String from = manifest("exported").path("inputs").get(0).path("id").asText();
        Path best = folder.resolve("best")
                .resolve(manifest.path("properties").path("best-checkpoint").asText());
        FileSystem files = FileSystem.getLocal(new Configuration(false));
        assertThat(from)
                .isEqualTo(Manifests.require(files, new org.apache.hadoop.fs.Path(best.toUri()), Manifest.CHECKPOINT)
                        .id());
    }

    @Test
    void theScoreOnTheWayIsThatOfEvaluate() throws IOException {
        succeed(FINETUNE + "--set output=@/scored --set training.evaluate-every=2"
                + " --set selection.generation={max-length:~9}");
        succeed(Mistake.EVALUATE + "--set from=@/scored --set output=@/scored-evaluation"
                + " --set generation.max-length=9 --set inputs=64");

        JsonNode metrics =
                JSON.readTree(folder.resolve("scored-evaluation/metrics.json").toFile());
        assertThat(scores("scored", "boolq/accuracy").get(2L))
                .isEqualTo(metrics.path("scores")
                        .get(0)
                        .path("scores")
                        .path("accuracy")
                        .path("value")
                        .asDouble());
    }

    @Test
    void tasksAreMixedAtTheirRatesAndAModelIsTrainedFromRandomWeights() throws IOException {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            rows.add("{\"premise\": \"it is %d\", \"hypothesis\": \"it is\", \"idx\": %d, \"label\": \"entailment\"}"
                    .formatted(i, i));
        }
        Path rte = Files.createDirectories(folder.resolve("rte"));
        Files.write(rte.resolve("train.jsonl"), rows);
        Files.write(folder.resolve("judged.jsonl"), rows.subList(0, 3));
        Files.writeString(folder.resolve("tiny.yaml"), """
                vocabulary-size: 300
                model-size: 16
                key-size: 4
                heads: 4
                feed-forward-size: 24
                encoder-layers: 1
                decoder-layers: 1
                """);

        succeed(FINETUNE + "--set output=@/mixed --set from=null --set model=@/tiny.yaml --set held-out=0.2"
                + " --set tasks=[{task:~boolq,~path:~@/tasks},{task:~rte,~path:~@/rte,~validation:~@/judged.jsonl}]"
                + " --set mixture={rates:~explicit,~weights:~{boolq:~1,~rte:~1}} --set training.steps=40"
                + " --set training.evaluate-every=40");

        JsonNode train =
                JSON.readTree(folder.resolve("mixed-shards/train/manifest.json").toFile());
        JsonNode heldOut = JSON.readTree(
                folder.resolve("mixed-shards/heldout/manifest.json").toFile());
        long boolq = 40;
        long examples = boolq + 10 - heldOut.path("counts").path("rows").asLong();
        long mixed = train.path("counts").path("rows").asLong();
        // Equal rates: the smaller task comes as often as the larger one, of which no example is left out.
        assertThat(mixed).isEven().isGreaterThan(examples).isBetween(2 * (boolq - 20), 2 * boolq);
        assertThat(scores("mixed", "mean")).hasSize(1);
        assertThat(scores("mixed", "rte/accuracy")).hasSize(1);
    }

    @Test
    void whatRanksWillNeedIsSaidBeforeTheyStartATeacherIncluded() {
        String distill = DISTILL + "--dry-run --set teacher=@/model --set vocabulary=@/vocabulary --set shards=@/shards"
                + " --set output=@/planned";

        assertThat(run(FINETUNE + "--dry-run --set output=@/planned").out())
                .contains("# each rank needs ")
                .doesNotContain("other models");
        assertThat(run(distill).out()).containsPattern("# each rank needs .*, other models [1-9]");
    }

    @Test
    void aStudentIsMeasuredBesideItsTeacherAndTheSameWithoutOne() throws IOException {
        succeed(DISTILL + "--set teacher=@/model --set vocabulary=@/vocabulary --set shards=@/shards"
                + " --set output=@/student --set baseline=train --set training={steps:~4,~rows:~8,~held-out-rows:~8,"
                + "~evaluate-every:~2,~learning-rate:~{warm-up:~2}}");

        JsonNode manifest = manifest("student");
        JsonNode baseline = manifest("student-baseline");
        JsonNode teacher = manifest("model");
        // Rows and number of rows are those that the teacher was measured on when it was trained.
        assertThat(-property(manifest, "compared-0")).isCloseTo(property(teacher, "heldout-loss"), within(1e-6));
        assertThat(property(manifest, "compared-1")).isCloseTo(property(baseline, "best-value"), within(1e-6));
        assertThat(folder.resolve("student/report.html"))
                .content()
                .contains("Distillation", "fewer parameters than its teacher", "Published, not measured here")
                .contains("began with the teacher", "Compared: ");
        assertThat(run(DISTILL + "--set teacher=@/student --set vocabulary=@/vocabulary --set shards=@/shards"
                                + " --set output=@/none")
                        .err())
                .contains("has no experts: give a Switch model");
    }

    /** All tokens kept at temperature 1: what is stored says the same as the teacher itself. */
    @Test
    void storedLabelsTeachWhatTheTeacherWouldSay() throws IOException {
        String distill = DISTILL + "--set teacher=@/model --set vocabulary=@/vocabulary --set shards=@/shards"
                + " --set soft-share=1 --set training={steps:~3,~rows:~8,~held-out-rows:~8,~learning-rate:~{warm-up:~2}}";
        succeed(distill + " --set output=@/online");
        succeed(distill + " --set output=@/stored --set labels=stored --set choices=300");
        succeed(distill + " --set output=@/few --set labels=stored --set choices=2");

        double online = property(manifest("online"), "best-value");
        assertThat(property(manifest("stored"), "best-value")).isCloseTo(online, within(1e-4));
        assertThat(property(manifest("few"), "best-value")).isNotCloseTo(online, within(1e-4));
    }

    @Test
    void ranksOfTheCommandsOwnProcessNeedNoSpark() throws IOException, InterruptedException {
        String path = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(
                        entry -> !entry.matches(
                                ".*/(org/apache/(spark|parquet|avro|orc|curator|zookeeper)|org/scala-lang|org/json4s|com/twitter)/.*"))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(File.pathSeparator));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-Xmx512m",
                "-cp",
                path,
                "dev.sparkswitch.jobs.Main"));
        command.addAll(List.of((FINETUNE + "--set output=@/bare")
                .replace("@", folder.toString())
                .split(" ")));
        Path err = folder.resolve("bare.err");
        Process process = new ProcessBuilder(command)
                .redirectOutput(folder.resolve("bare.out").toFile())
                .redirectError(err.toFile())
                .start();

        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(err)).isZero();
        assertThat(manifest("bare").path("counts").path("steps").asInt()).isEqualTo(2);
    }

    @Test
    void aFineTunedTeacherTeachesItsTasks() throws IOException {
        succeed(FINETUNE + "--set output=@/tuned");
        succeed(DISTILL
                + "--set teacher=@/tuned --set vocabulary=@/vocabulary --set tasks=[{task:~boolq,~path:~@/tasks}]"
                + " --set output=@/tuned-student --set inputs=64 --set targets=8 --set held-out=0.3"
                + " --set selection.labels=rank --set temperature=2 --set training={steps:~2,~rows:~8}");

        JsonNode manifest = manifest("tuned-student");
        assertThat(manifest.path("properties").path("metric").asText()).isEqualTo("mean");
        assertThat(property(manifest, "compared-0")).isBetween(0.0, 100.0);
    }
}
