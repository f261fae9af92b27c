package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.jobs.InProcess;
import dev.sparkswitch.tests.cluster.SparkHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import scala.Tuple2;

/**
 * What a person can get wrong: each ends in one line that says what and what to do, with the exit code for it, and leaves
 * every file as it was. {@code @} stands for the folder of a {@link TinyPipeline}; {@code @/new} is not there; {@code ~} is
 * a blank within an argument.
 */
class BadInputTest {
    private static final int USER = 2;
    private static final int RESOURCES = 3;
    private static final String NEW = "new";
    private static final String ONE_EXECUTOR = "local-cluster[1,1,1024]";
    private static final String PRETRAIN = "pretrain --config @/pretrain.yaml --set output=@/new ";
    private static final String FINETUNE = "finetune --config @/finetune.yaml ";
    private static final String EVALUATE = "evaluate --config @/evaluate.yaml ";

    @TempDir
    static Path folder;

    private static Map<String, String> cluster;

    /** A command, how it ends and what its one line says. */
    private record Mistake(String name, int code, String command, List<String> says) {
        @Override
        public String toString() {
            return name;
        }
    }

    @BeforeAll
    static void makeGoodInputAndDamageCopies() throws IOException {
        TinyPipeline.make(folder);
        cluster = new TreeMap<>();
        for (Tuple2<String, String> setting : SparkHome.localCluster(1, 1).getAll()) {
            cluster.put(setting._1(), setting._2());
        }
        Files.createFile(folder.resolve("empty.txt"));
        Files.createDirectories(folder.resolve("empty"));
        Files.createDirectories(folder.resolve("taken"));
        Files.writeString(folder.resolve("taken/thesis.txt"), "the only copy");
        Files.writeString(folder.resolve("broken.yaml"), "training: [1, 2\n");
        copy("vocabulary", "flipped-vocabulary");
        flip(folder.resolve("flipped-vocabulary/data/spiece.model"));
        copy("shards", "flipped-shards");
        flip(shard("flipped-shards"));
        copy("shards", "cut-shards");
        byte[] bytes = Files.readAllBytes(shard("cut-shards"));
        Files.write(shard("cut-shards"), Arrays.copyOf(bytes, bytes.length - 1));
        copy("shards", "gone-shards");
        Files.delete(shard("gone-shards"));
        copy("shards/train", "mixed-shards/train");
        copy("other-shards/heldout", "mixed-shards/heldout");
        copy("model", "damaged-model");
        flip(folder.resolve("damaged-model/checkpoints/step-00000002-a0/dense.safetensors"));
    }

    private static Path shard(String shards) {
        return folder.resolve(shards).resolve("train/data/00000.arrow");
    }

    private static void copy(String from, String to) throws IOException {
        Path source = folder.resolve(from);
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = folder.resolve(to).resolve(source.relativize(file));
                Files.createDirectories(target.getParent());
                Files.copy(file, target);
            }
        }
    }

    private static void flip(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
    }

    /** The cluster that a command would meet if it started Spark. */
    @BeforeEach
    void nameTheCluster() {
        cluster.forEach(System::setProperty);
        System.setProperty("spark.master", ONE_EXECUTOR);
        System.setProperty("spark.extraListeners", SparkStarts.class.getName());
        SparkStarts.COUNT.set(0);
    }

    @AfterEach
    void forgetTheClusterAndWhatIsNew() throws IOException {
        cluster.keySet().forEach(System::clearProperty);
        System.clearProperty("spark.extraListeners");
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                if (isNew(folder.relativize(file).toString())) {
                    Files.delete(file);
                }
            }
        }
    }

    private static Mistake mistake(String name, String command, String... says) {
        return new Mistake(name, USER, command, List.of(says));
    }

    static List<Mistake> mistakesThatNeedNoSpark() {
        List<Mistake> all = new ArrayList<>();
        all.addAll(configurations());
        all.addAll(data());
        all.addAll(training());
        all.addAll(tasks());
        return all;
    }

    private static List<Mistake> configurations() {
        return List.of(
                mistake(
                        "a configuration that is not there",
                        "pretrain --config @/none.yaml",
                        "There is no configuration file @/none.yaml"),
                mistake(
                        "a configuration that cannot be read",
                        "pretrain --config /proc/self/mem",
                        "/proc/self/mem cannot be read"),
                mistake(
                        "a configuration that is no YAML",
                        "pretrain --config @/broken.yaml",
                        "@/broken.yaml is no valid YAML in line 1",
                        "expected ',' or ']'"),
                mistake(
                        "an unknown key",
                        PRETRAIN + "--set training.step=3",
                        "training.step: unknown key; the nearest known one is training.steps"),
                mistake(
                        "a value of the wrong type",
                        PRETRAIN + "--set training.steps=many",
                        "training.steps: 'many' is no whole number"),
                mistake(
                        "a value out of range",
                        PRETRAIN + "--set training.rows=0",
                        "rows is 0: it must be at least 1"));
    }

    private static List<Mistake> data() {
        String prepare = "prepare --set preset=light --set output=@/new ";
        String vocab = "vocab --set corpus=@/corpus --set output=@/new ";
        String batch = "batch --set corpus=@/corpus --set vocabulary=@/vocabulary --set output=@/new ";
        return List.of(
                mistake(
                        "text that is not there",
                        prepare + "--set input.paths=[@/none.txt]",
                        "The input @/none.txt does not exist; correct input.paths."),
                mistake("an empty file", prepare + "--set input.paths=[@/empty.txt]", "holds no data", "input.paths"),
                mistake("an empty folder", prepare + "--set input.paths=[@/empty]", "holds no data", "input.paths"),
                mistake(
                        "a corpus where something else lies",
                        prepare + "--set input.paths=[@/text.txt] --set output=@/taken",
                        "@/taken holds thesis.txt but no manifest; name an empty or a new folder."),
                mistake(
                        "a corpus where another one lies",
                        prepare + "--set input.paths=[@/text.txt] --set output=@/corpus --set heldout=0.5",
                        "already holds a 'corpus' made with other settings; name another one or remove it."),
                mistake(
                        "no corpus",
                        vocab + "--set corpus=@/none",
                        "Folder @/none is missing or unfinished",
                        "run 'sparkswitch prepare' to make it"),
                mistake(
                        "a corpus that is a vocabulary",
                        vocab + "--set corpus=@/vocabulary",
                        "@/vocabulary holds a 'vocabulary' where a 'corpus' is needed"),
                mistake("no vocabulary", batch + "--set vocabulary=@/none", "run 'sparkswitch vocab' to make it"),
                mistake(
                        "a damaged vocabulary",
                        batch + "--set vocabulary=@/flipped-vocabulary",
                        "spiece.model is damaged: its checksum is",
                        "run 'sparkswitch vocab' to make it"),
                mistake(
                        "shards where others lie",
                        batch + "--set output=@/shards --set inputs=64 --set buckets=2 --set seed=9",
                        "already holds a 'shards' made with other settings"));
    }

    private static List<Mistake> training() {
        return List.of(
                mistake("no shards", PRETRAIN + "--set shards=@/none", "run 'sparkswitch batch' to make it"),
                mistake(
                        "a shard that is gone",
                        PRETRAIN + "--set shards=@/gone-shards",
                        "00000.arrow is damaged: it is missing; restore it from a copy"),
                mistake(
                        "a shard that is cut",
                        PRETRAIN + "--set shards=@/cut-shards",
                        "00000.arrow is damaged: it has",
                        "run 'sparkswitch batch' to make it"),
                mistake(
                        "shards with ids that the model lacks",
                        PRETRAIN + "--set model.vocabulary-size=250",
                        "hold ids up to 299 but model.vocabulary-size is 250: set it to at least 300."),
                mistake(
                        "held-out shards of another vocabulary",
                        PRETRAIN + "--set shards=@/mixed-shards",
                        "were made with another vocabulary than",
                        "run 'sparkswitch batch' for both"),
                mistake(
                        "experts that the ranks do not divide",
                        PRETRAIN + "--set cluster.ranks=3 --set training.rows=24",
                        "4 experts cannot be spread evenly over 3 ranks; choose a number of ranks"),
                mistake(
                        "rows that the ranks do not divide",
                        PRETRAIN + "--set cluster.ranks=2 --set training.rows=6",
                        "6 rows a step cannot be cut into 2 ranks",
                        "make rows a multiple of 4"),
                mistake(
                        "a run where something else lies",
                        PRETRAIN + "--set output=@/taken",
                        "@/taken holds thesis.txt but no run: name another output, or remove the folder."),
                mistake(
                        "a run in a vocabulary",
                        PRETRAIN + "--set output=@/vocabulary",
                        "@/vocabulary holds a 'vocabulary': name another output"),
                mistake(
                        "a run where one with other settings lies",
                        PRETRAIN + "--set output=@/model --set training.steps=4",
                        "holds a run with other settings (training.steps is 2 there and 4 here): name another output"),
                mistake(
                        "a run where one on other data lies",
                        PRETRAIN + "--set output=@/model --set shards=@/other-shards",
                        "holds a run on other data: name another output"),
                mistake(
                        "a start from nothing",
                        PRETRAIN + "--set init-from=@/none",
                        "@/none holds no model",
                        "correct the path, or run 'sparkswitch pretrain'"),
                mistake(
                        "a start from a damaged model",
                        PRETRAIN + "--set init-from=@/damaged-model",
                        "@/damaged-model/checkpoints holds no model: all 1 checkpoints are damaged; restore one."),
                mistake(
                        "a start from a damaged checkpoint",
                        PRETRAIN + "--set init-from=@/damaged-model/checkpoints/step-00000002-a0",
                        "dense.safetensors is damaged: its checksum is"),
                mistake(
                        "a start from a model of another vocabulary",
                        PRETRAIN + "--set init-from=@/model --set shards=@/other-shards",
                        "@/model was trained with the vocabulary sha256:",
                        "run 'sparkswitch batch' with the model's vocabulary"),
                mistake(
                        "a start from a model of another shape",
                        PRETRAIN + "--set init-from=@/model --set model.feed-forward-size=32",
                        "has shape [",
                        "give the model the settings that belong to these weights"));
    }

    private static List<Mistake> tasks() {
        return List.of(
                mistake("tuning of nothing", FINETUNE + "--set from=@/none", "@/none holds no model"),
                mistake(
                        "tuning with another vocabulary",
                        FINETUNE + "--set vocabulary=@/other-vocabulary",
                        "@/model was trained with the vocabulary sha256:",
                        "name the model's own vocabulary"),
                mistake(
                        "tuning on a task that is not there",
                        FINETUNE + "--set tasks=[{task:~boolq,~path:~@/none}]",
                        "@/none: no such file for task boolq; get it from https://"),
                mistake(
                        "tuning on an unknown task",
                        FINETUNE + "--set tasks=[{task:~boolc,~path:~@/tasks}]",
                        "there is no task \"boolc\"; the tasks are boolq"),
                mistake(
                        "tuning on a broken file",
                        FINETUNE + "--set tasks=[{task:~boolq,~path:~@/tasks/broken.jsonl}]",
                        "broken.jsonl, line 2: not a JSON object a line"),
                mistake(
                        "tuning on ranks that do not divide the experts",
                        FINETUNE + "--set cluster.ranks=3 --set training.rows=24",
                        "4 experts cannot be spread evenly over 3 ranks"),
                mistake(
                        "a tuned model where something else lies",
                        FINETUNE + "--set output=@/taken",
                        "@/taken holds thesis.txt but no run"),
                mistake(
                        "scoring with another vocabulary",
                        EVALUATE + "--set vocabulary=@/other-vocabulary",
                        "name the model's own vocabulary"),
                mistake(
                        "scoring of a task that is not there",
                        EVALUATE + "--set tasks=[{task:~boolq,~path:~@/none}]",
                        "no such file for task boolq"),
                mistake(
                        "scoring without gold answers",
                        EVALUATE + "--set tasks=[{task:~boolq,~path:~@/tasks,~split:~test}]",
                        "has no gold answer; score a split with answers"),
                mistake(
                        "scores where something else lies",
                        EVALUATE + "--set output=@/taken",
                        "@/taken holds thesis.txt but no evaluation: name another output"),
                mistake(
                        "scores in the model's folder",
                        EVALUATE + "--set output=@/model",
                        "@/model holds a 'run': name another output"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("mistakesThatNeedNoSpark")
    void aMistakeIsMetBeforeSparkStarts(Mistake mistake) throws IOException {
        Map<String, String> before = files();

        InProcess outcome = run(mistake.command());

        assertSays(outcome, mistake.code(), mistake.says());
        assertThat(files()).isEqualTo(before);
        assertThat(SparkStarts.COUNT).as("starts of Spark").hasValue(0);
    }

    @Test
    void executorsThatThisHostCannotHoldAreRefused() throws IOException {
        System.clearProperty("spark.master");
        Map<String, String> before = files();

        InProcess outcome = run(PRETRAIN + "--set cluster.ranks=2 --set cluster.memory-per-rank=4TiB");

        assertSays(
                outcome,
                RESOURCES,
                List.of(
                        "2 executors of 4194304 MiB each do not fit",
                        "lower cluster.ranks or cluster.memory-per-rank"));
        assertThat(withoutNew(files())).isEqualTo(before);
        assertThat(SparkStarts.COUNT).hasValue(0);
    }

    @Test
    void moreRanksThanTheClusterHasExecutorsAreRefused() throws IOException {
        Map<String, String> before = files();

        InProcess outcome = run(PRETRAIN + "--set cluster.ranks=2");

        assertSays(
                outcome,
                RESOURCES,
                List.of("2 ranks were asked for, one an executor, but Spark has 1 executor of 1 core; set ranks"));
        assertThat(withoutNew(files())).isEqualTo(before);
    }

    @Test
    void textOfWhichNothingIsLeftIsRefused() throws IOException {
        System.setProperty("spark.master", "local[1]");
        Map<String, String> before = files();

        InProcess outcome = run("prepare --set preset=light --set rules.min-characters=100000 --set output=@/new"
                + " --set input.paths=[@/text.txt]");

        assertSays(outcome, USER, List.of("No document is left of 80 (dropped-", "loosen the rules"));
        assertThat(withoutNew(files())).isEqualTo(before);
    }

    /** Only the ranks read whole shards. Once the shard is restored, the same command goes on, as another attempt. */
    @Test
    void aShardWithAFlippedByteIsNamedAndTheRunGoesOnWhenItIsRestored() throws IOException {
        Map<String, String> before = files();

        InProcess outcome = run(PRETRAIN + "--set shards=@/flipped-shards");

        assertSays(
                outcome,
                USER,
                List.of("train/data/00000.arrow is damaged: its checksum is crc32c:", "restore it from a copy"));
        assertThat(withoutNew(files())).isEqualTo(before);

        flip(shard("flipped-shards"));
        InProcess again = run(PRETRAIN + "--set shards=@/flipped-shards");
        flip(shard("flipped-shards"));

        assertThat(again.err()).isEmpty();
        assertThat(again.code()).isZero();
        assertThat(folder.resolve("new/checkpoints/step-00000002-a1/manifest.json"))
                .exists();
        SparkStarts.COUNT.set(0);
        assertThat(run(PRETRAIN + "--set shards=@/shards").out()).startsWith("pretrain was complete already");
        assertThat(SparkStarts.COUNT).hasValue(0);
    }

    @Test
    void finishedWorkIsFoundAndNeverMixedWithOther() throws IOException {
        String evaluate = EVALUATE + "--set from=@/new --set output=@/new-scores ";
        assertThat(run(FINETUNE).err()).isEmpty();
        System.setProperty("spark.master", "local[1]");
        assertThat(run(evaluate).err()).isEmpty();
        Map<String, String> before = files();
        SparkStarts.COUNT.set(0);

        assertThat(run(FINETUNE).out()).startsWith("finetune was complete already");
        assertThat(run(evaluate).out()).startsWith("evaluate was complete already");
        assertSays(run(FINETUNE + "--set inputs=32"), USER, List.of("@/new-shards/train already holds a 'shards'"));
        assertSays(
                run(FINETUNE + "--set dropout=0"),
                USER,
                List.of("holds a run with other settings (dropout is 0.1 there and 0.0 here)"));
        assertSays(run(evaluate + "--set seed=3"), USER, List.of("@/new-scores holds another evaluation"));

        assertThat(files()).isEqualTo(before);
        assertThat(SparkStarts.COUNT).hasValue(0);
    }

    private static InProcess run(String command) {
        String[] arguments = command.strip().split(" ");
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = arguments[i].replace("@", folder.toString()).replace('~', ' ');
        }
        return InProcess.run(arguments);
    }

    private static void assertSays(InProcess outcome, int code, List<String> says) {
        assertThat(outcome.err()).startsWith("error: ").hasLineCount(1);
        for (String part : says) {
            assertThat(outcome.err()).contains(part.replace("@", folder.toString()));
        }
        assertThat(outcome.code()).isEqualTo(code);
        assertThat(outcome.out()).isEmpty();
    }

    /** Every file below the folder with its checksum, every folder with none. */
    private static Map<String, String> files() throws IOException {
        Map<String, String> found = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.toList()) {
                String checksum = "";
                if (Files.isRegularFile(file)) {
                    CRC32C crc = new CRC32C();
                    crc.update(Files.readAllBytes(file));
                    checksum = Files.size(file) + " " + crc.getValue();
                }
                found.put(folder.relativize(file).toString(), checksum);
            }
        }
        return found;
    }

    private static Map<String, String> withoutNew(Map<String, String> files) {
        files.keySet().removeIf(BadInputTest::isNew);
        return files;
    }

    private static boolean isNew(String name) {
        return name.startsWith(NEW);
    }
}
