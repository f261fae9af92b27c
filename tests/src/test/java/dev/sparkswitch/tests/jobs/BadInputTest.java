package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.jobs.InProcess;
import dev.sparkswitch.tests.cluster.SparkHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    @TempDir
    static Path folder;

    private static Map<String, String> cluster;

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
        flip(folder.resolve("flipped-vocabulary/spiece.model"));
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

    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.sparkswitch.tests.jobs.Mistake#thatNeedNoSpark")
    void aMistakeIsMetBeforeSparkStarts(Mistake mistake) throws IOException {
        Map<String, String> before = files();

        InProcess outcome = run(mistake.command());

        assertSays(outcome, USER, mistake.says());
        assertThat(files()).isEqualTo(before);
        assertThat(SparkStarts.COUNT).as("starts of Spark").hasValue(0);
    }

    @Test
    void everythingThatIsKnownToBeWrongIsSaidAtOnce() throws IOException {
        Map<String, String> before = files();

        InProcess data = run(Mistake.PRETRAIN + "--set cluster.ranks=3 --set training.rows=7 --set output=@/taken"
                + " --set model.sparse.sparse-encoder-layers=0 --set model.sparse.sparse-decoder-layers=0"
                + " --set model.vocabulary-size=250 --set init-from=@/none");
        InProcess settings = run(Mistake.PRETRAIN + "--set model.sparse.balance-loss=-1 --set model.heads=0"
                + " --set training.rows=0 --set cluster.min-ranks=2");
        InProcess group = run(Mistake.PRETRAIN + "--set model.sparse.capacity.group-rows=16");

        assertThat(data.err().lines())
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo("error: 6 settings are wrong:"),
                        line -> assertThat(line).contains("taken holds thesis.txt but no run"),
                        line -> assertThat(line).contains("model: there are 4 experts but no sparse layer"),
                        line -> assertThat(line).contains("4 experts cannot be spread evenly over 3 ranks"),
                        line -> assertThat(line).contains("7 rows a step cannot be cut into 3 ranks"),
                        line -> assertThat(line).contains("ids up to 299 but model.vocabulary-size is 250"),
                        line -> assertThat(line).contains("none holds no model"));
        assertThat(settings.err())
                .contains("4 settings are wrong:")
                .contains("model.sparse: balance loss is -1.0")
                .contains("model: heads is 0 but must be at least 1")
                .contains("training: rows is 0 but must be at least 1")
                .contains("cluster: min-ranks 2 exceeds the 1 ranks");
        assertSays(group, USER, List.of("a routing group of 16 rows is larger than the 8 rows of a step"));
        assertThat(List.of(data.code(), settings.code())).containsOnly(USER);
        assertThat(files()).isEqualTo(before);
        assertThat(SparkStarts.COUNT).as("starts of Spark").hasValue(0);
    }

    @Test
    void aDryRunTellsContradictionsToo() {
        InProcess outcome = run(Mistake.PRETRAIN + "--dry-run --set cluster.ranks=3 --set training.rows=7");

        assertThat(outcome.code()).isEqualTo(USER);
        assertThat(outcome.err())
                .contains("4 experts cannot be spread evenly over 3 ranks")
                .contains("7 rows a step cannot be cut");
    }

    @Test
    void executorsThatThisHostCannotHoldAreRefused() throws IOException {
        System.clearProperty("spark.master");
        Map<String, String> before = files();

        InProcess outcome = run(Mistake.PRETRAIN + "--set cluster.ranks=2 --set cluster.memory-per-rank=4TiB");

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

        InProcess outcome = run(Mistake.PRETRAIN + "--set cluster.ranks=2");

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

        InProcess outcome = run(Mistake.PRETRAIN + "--set shards=@/flipped-shards");

        assertSays(
                outcome,
                USER,
                List.of("train/data/00000.arrow is damaged: its checksum is crc32c:", "restore it from a copy"));
        assertThat(withoutNew(files())).isEqualTo(before);

        flip(shard("flipped-shards"));
        InProcess again = run(Mistake.PRETRAIN + "--set shards=@/flipped-shards");
        flip(shard("flipped-shards"));

        assertThat(again.err()).isEmpty();
        assertThat(again.code()).isZero();
        assertThat(folder.resolve("new/checkpoints/step-00000002-a1/manifest.json"))
                .exists();
        SparkStarts.COUNT.set(0);
        assertThat(run(Mistake.PRETRAIN + "--set shards=@/shards").out()).startsWith("pretrain was complete already");
        assertThat(SparkStarts.COUNT).hasValue(0);
    }

    @Test
    void finishedWorkIsFoundAndNeverMixedWithOther() throws IOException {
        String evaluate = Mistake.EVALUATE + "--set from=@/new --set output=@/new-scores ";
        assertThat(run(Mistake.FINETUNE).err()).isEmpty();
        System.setProperty("spark.master", "local[1]");
        assertThat(run(evaluate).err()).isEmpty();
        Map<String, String> before = files();
        SparkStarts.COUNT.set(0);

        assertThat(run(Mistake.FINETUNE).out()).startsWith("finetune was complete already");
        assertThat(run(evaluate).out()).startsWith("evaluate was complete already");
        assertSays(
                run(Mistake.FINETUNE + "--set inputs=32"),
                USER,
                List.of("@/new-shards/train already holds a 'shards'"));
        assertSays(
                run(Mistake.FINETUNE + "--set dropout=0"),
                USER,
                List.of("holds a run with other settings (dropout is 0.1 there and 0.0 here)"));
        assertSays(
                run(evaluate + "--set seed=3"),
                USER,
                List.of("@/new-scores holds an evaluation with other settings (seed is 0 there and 3 here)"));

        assertThat(files()).isEqualTo(before);
        assertThat(SparkStarts.COUNT).hasValue(0);
    }

    private static InProcess run(String command) {
        return TinyPipeline.run(folder, command);
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
