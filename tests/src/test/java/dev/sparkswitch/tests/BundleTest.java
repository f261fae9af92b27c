package dev.sparkswitch.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.tests.jobs.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
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
                        "part-size=40MiB",
                        "compression=0"));
        assertThat(made.code()).as(made.err()).isZero();
        tools = Files.createDirectory(scratch.resolve("tools"));
        for (String tool : List.of("sh", "cat", "dirname", "mkdir", "readlink", "sha256sum", "tar", "xz")) {
            Files.copy(find(tool).toRealPath(), tools.resolve(tool), StandardCopyOption.COPY_ATTRIBUTES);
        }
    }

    private static Path find(String tool) {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, tool))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow();
    }

    private static SubmittedProcess bare(Path folder, String... command) throws IOException, InterruptedException {
        Map<String, String> environment = Map.of(
                "PATH", tools.toString(), "HOME", "/nonexistent", "JAVA_HOME", "/nonexistent", "LD_LIBRARY_PATH", "");
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
        Path host = Files.createDirectory(scratch.resolve("host"));
        Path model = TinyModel.write(scratch);

        SubmittedProcess joined = bare(
                host, tools.resolve("sh").toString(), bundle.resolve("join.sh").toString());
        assertThat(joined.code()).as(joined.err()).isZero();
        SubmittedProcess steps = bare(
                host,
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
        Path host = Files.createDirectory(scratch.resolve("unlucky"));

        SubmittedProcess joined = bare(
                host, tools.resolve("sh").toString(), copy.resolve("join.sh").toString());

        assertThat(joined.code()).isEqualTo(3);
        assertThat(joined.err()).contains("part-01: FAILED").contains("copy them again");
        assertThat(host).isEmptyDirectory();
    }
}
