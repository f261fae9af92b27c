package dev.sparkswitch.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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

/** bin/sparkswitch, run as a person runs it. */
final class LauncherTest {
    private static final Path PROJECT = ProjectFolder.path();
    private static final Path LAUNCHER = PROJECT.resolve("bin/sparkswitch");

    @TempDir
    private Path scratch;

    @BeforeAll
    static void needsTheJar() {
        assumeTrue(
                Files.exists(PROJECT.resolve("target/sparkswitch.jar"))
                        && Files.exists(PROJECT.resolve("target/spark-home/bin/spark-submit")),
                "skipped: the jars are not packaged (mvn package makes them)");
    }

    @Test
    void helpNeedsNoSparkAndWorksFromAnyFolder() throws IOException, InterruptedException {
        SubmittedProcess process = run(LAUNCHER, Map.of(), "--help");

        assertThat(process.code()).isZero();
        assertThat(process.out()).contains("Usage: sparkswitch");
        assertThat(process.err()).isEmpty();
    }

    @Test
    void aChainOfLinksLeadsToTheProject() throws IOException, InterruptedException {
        Path first = Files.createSymbolicLink(scratch.resolve("first"), LAUNCHER);
        Path second = Files.createSymbolicLink(scratch.resolve("second"), first.getFileName());

        assertThat(run(second, Map.of(), "--version").out()).startsWith("SparkSwitch ");
    }

    @Test
    void aMistakePassesSparkSubmitAsOneLineAndItsExitCodeEvenFromAFolderWithBlanks()
            throws IOException, InterruptedException {
        Path copy = PROJECT.resolve("tests/target/a folder with blanks");
        install(copy);

        SubmittedProcess process = run(copy.resolve("bin/sparkswitch"), Map.of(), "trane");

        assertThat(process.code()).isEqualTo(2);
        assertThat(process.err().lines().filter(line -> !line.startsWith("WARNING: Using incubator modules")))
                .singleElement()
                .asString()
                .startsWith("error: There is no command 'trane'");
    }

    @Test
    void aSparkHomeOfAnotherLineIsRefused() throws IOException, InterruptedException {
        Path jars = Files.createDirectories(scratch.resolve("old/jars"));
        Files.createFile(jars.resolve("spark-core_2.12-3.5.1.jar"));

        SubmittedProcess process =
                run(LAUNCHER, Map.of("SPARK_HOME", jars.getParent().toString()), "--help");

        assertThat(process.code()).isEqualTo(3);
        assertThat(process.err())
                .startsWith("error: SPARK_HOME=")
                .contains("holds no Spark 4.2")
                .hasLineCount(1);
    }

    @Test
    void aJavaThatIsMissingIsNamed() throws IOException, InterruptedException {
        SubmittedProcess process = run(LAUNCHER, Map.of("JAVA_HOME", scratch.toString()), "--help");

        assertThat(process.code()).isEqualTo(3);
        assertThat(process.err())
                .startsWith("error: no Java was found")
                .contains("JAVA_HOME")
                .hasLineCount(1);
    }

    private SubmittedProcess run(Path launcher, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        return SubmittedProcess.run(
                scratch,
                environment,
                Stream.concat(Stream.of(launcher.toString()), Stream.of(arguments))
                        .toList());
    }

    /** An installation elsewhere; its large files are links to ours. */
    private static void install(Path folder) throws IOException {
        for (String part : List.of("bin", "conf", "target/spark-home/bin", "target/spark-home/jars", "target")) {
            Path from = PROJECT.resolve(part);
            try (Stream<Path> files = Files.list(from)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    Path to = folder.resolve(part).resolve(file.getFileName());
                    Files.createDirectories(to.getParent());
                    Files.deleteIfExists(to);
                    if (to.toString().endsWith(".jar")) {
                        Files.createLink(to, file);
                    } else {
                        Files.copy(file, to, StandardCopyOption.COPY_ATTRIBUTES);
                    }
                }
            }
        }
    }
}
