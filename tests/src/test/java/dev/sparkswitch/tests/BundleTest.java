package dev.sparkswitch.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.tests.cluster.TinyShards;
import dev.sparkswitch.tests.jobs.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bundle on a host that has no Java and nothing on its path but a shell, the core utilities, tar and xz. */
final class BundleTest {
    private static final Path PROJECT = ProjectFolder.path();
    private static final long PART = 40L << 20;

    @TempDir
    private static Path scratch;

    private static Path bundle;
    private static Path tools;
    private static Path host;

    @BeforeAll
    static void makesABundleInParts() throws IOException, InterruptedException {
        assumeTrue(
                Files.exists(PROJECT.resolve("target/sparkswitch.jar"))
                        && Files.exists(PROJECT.resolve("target/bundle/slf4j-simple.jar")),
                "skipped: the jars are not packaged (mvn package makes them)");
        bundle = scratch.resolve("bundle");
        SubmittedProcess made = SubmittedProcess.run(
                scratch,
                Map.of(),
                List.of(
                        PROJECT.resolve("bin/sparkswitch").toString(),
                        "bundle",
                        "--set",
                        "output=" + bundle,
                        "nd4j=true",
                        "training=true",
                        "part-size=40MiB",
                        "compression=0"));
        assertThat(made.code()).as(made.err()).isZero();
        tools = Files.createDirectory(scratch.resolve("tools"));
        List<String> core = List.of(
                "sh",
                "bash",
                "cat",
                "chmod",
                "cp",
                "date",
                "df",
                "dirname",
                "ls",
                "mkdir",
                "mktemp",
                "mv",
                "readlink",
                "rm",
                "sha256sum",
                "tail",
                "tar",
                "timeout",
                "xz");
        for (String tool : core) {
            Files.copy(find(tool).toRealPath(), tools.resolve(tool), StandardCopyOption.COPY_ATTRIBUTES);
        }
        host = Files.createDirectory(scratch.resolve("host"));
        SubmittedProcess joined = bare(
                host,
                Map.of(),
                tools.resolve("sh").toString(),
                bundle.resolve("join.sh").toString());
        assertThat(joined.code()).as(joined.err()).isZero();
    }

    private static Path find(String tool) {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, tool))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow();
    }

    private static SubmittedProcess bare(Path folder, Map<String, String> settings, String... command)
            throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>(settings);
        environment.putAll(Map.of(
                "PATH", tools.toString(), "HOME", "/nonexistent", "JAVA_HOME", "/nonexistent", "LD_LIBRARY_PATH", ""));
        return SubmittedProcess.run(folder, environment, List.of(command));
    }

    @Test
    void itsPartsAreOfTheSizeThatWasAskedFor() throws IOException {
        List<Path> parts;
        try (Stream<Path> files = Files.list(bundle)) {
            parts = files.filter(file -> file.toString().contains(".part-"))
                    .sorted()
                    .toList();
        }

        assertThat(parts).hasSizeGreaterThan(1);
        for (Path part : parts.subList(0, parts.size() - 1)) {
            assertThat(part).hasSize(PART);
        }
        assertThat(Files.readAllLines(bundle.resolve("SHA256SUMS"))).hasSameSizeAs(parts);
    }

    @Test
    void joinedOnABareHostItTimesSteps() throws IOException, InterruptedException {
        Path model = TinyModel.write(scratch);

        SubmittedProcess steps = bare(
                host,
                Map.of(),
                host.resolve("sparkswitch/bin/sparkswitch").toString(),
                "bench",
                "step",
                "--json",
                "--set",
                "model=" + model,
                "batch=2",
                "inputs=16",
                "targets=8",
                "steps=2");

        assertThat(steps.code()).as(steps.err()).isZero();
        JsonNode report = new ObjectMapper().readTree(steps.out());
        assertThat(report.get("engine").textValue()).startsWith("nd4j");
        assertThat(report.get("tokens-per-second").doubleValue()).isPositive();
    }

    @Test
    void eightRanksShowHowTheyScaleTrainAndTakeUpEachOthersCheckpoints() throws IOException, InterruptedException {
        Path shards = Files.createDirectory(scratch.resolve("shards"));
        TinyShards.write(shards, 512, 128);
        Path work = Files.createDirectory(scratch.resolve("work"));
        String model = TinyModel.write(scratch).toString();
        Map<String, String> settings = new HashMap<>();
        settings.putAll(Map.of("ENGINE", "nd4j", "SHARDS", shards.toString(), "WORK", work.toString(), "LIMIT", "170"));
        settings.putAll(Map.of("MODEL", model, "EXPERTS", "2", "ROWS", "2", "INPUTS", "16", "TARGETS", "8"));
        settings.putAll(Map.of("WARM_UP", "1", "STEPS", "2", "RESHARD_EXPERTS", "8", "RESHARD_ROWS", "2"));
        settings.putAll(Map.of("LARGE_MODEL", model, "LARGE_EXPERTS", "1", "LARGE_ROWS", "4", "LARGE_STEPS", "10"));
        settings.put("SPARKSWITCH_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");

        SubmittedProcess shown = bare(
                host, settings, host.resolve("sparkswitch/bin/scaling-on-cards").toString(), "8");

        assertThat(shown.code()).as(shown.err()).isZero();
        assertThat(shown.out().lines().filter(line -> line.startsWith("| weak scaling |")))
                .extracting(line -> line.split(" \\| ")[1])
                .containsExactly("1", "2", "4", "8");
        assertThat(shown.out())
                .contains("| pre-training | 8 |")
                .contains("it falls")
                .contains("| went on without a break | 8 |")
                .contains("| loaded | 2 |")
                .contains("| loaded | 8 |");
        Matcher difference =
                Pattern.compile("the next step differs by (\\S+) of it").matcher(shown.out());
        for (int run = 0; run < 2; run++) {
            assertThat(difference.find()).isTrue();
            assertThat(Double.parseDouble(difference.group(1))).isLessThan(1e-5);
        }
        assertThat(host.resolve("run/cards/cards.md")).hasContent(shown.out());
        assertThat(work).isEmptyDirectory();
    }

    @Test
    void aDamagedPartIsRefused() throws IOException, InterruptedException {
        Path copy = Files.createDirectory(scratch.resolve("damaged"));
        try (Stream<Path> files = Files.list(bundle)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        Path part;
        try (Stream<Path> files = Files.list(copy)) {
            part = files.filter(file -> file.toString().endsWith(".part-01"))
                    .findFirst()
                    .orElseThrow();
        }
        byte[] content = Files.readAllBytes(part);
        content[content.length / 2] ^= 1;
        Files.write(part, content);
        Path unlucky = Files.createDirectory(scratch.resolve("unlucky"));

        SubmittedProcess joined = bare(
                unlucky,
                Map.of(),
                tools.resolve("sh").toString(),
                copy.resolve("join.sh").toString());

        assertThat(joined.code()).isEqualTo(3);
        assertThat(joined.err()).contains("part-01: FAILED").contains("copy them again");
        assertThat(unlucky).isEmptyDirectory();
    }
}
