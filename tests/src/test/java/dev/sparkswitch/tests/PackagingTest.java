package dev.sparkswitch.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.jobs.ProbeJob;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What `mvn package` leaves under target/: the jars and the Spark home. */
final class PackagingTest {
    private static final Path TARGET = ProjectFolder.path().resolve("target");
    private static final Path SHADED = TARGET.resolve("sparkswitch.jar");
    private static final Path THIN = TARGET.resolve("sparkswitch-thin.jar");
    private static final Path SPARK_HOME = TARGET.resolve("spark-home");

    private static final Map<String, String> LOCAL = Map.of("SPARK_LOCAL_IP", "127.0.0.1");

    @TempDir
    private Path scratch;

    @BeforeAll
    static void needsThePackagedJars() {
        assumeTrue(
                Files.exists(SHADED) && Files.exists(THIN) && Files.isDirectory(SPARK_HOME),
                "skipped: the jars are not packaged (mvn package makes them)");
    }

    @Test
    void theShadedJarBringsNoClassThatSparkBrings() throws IOException {
        Set<String> ours = classes(SHADED);

        for (Path jar : sparkJars()) {
            Set<String> both = new HashSet<>(classes(jar));
            both.retainAll(ours);
            assertThat(both)
                    .as("classes in %s and in the shaded jar", jar.getFileName())
                    .isEmpty();
        }
    }

    @Test
    void theShadedJarHoldsNativeLibrariesOfOnePlatform() throws IOException {
        assertThat(entries(SHADED))
                .filteredOn(name -> name.matches(".*\\.(so|dll|dylib|jnilib)(\\.\\d+)*"))
                .isNotEmpty()
                .allMatch(name -> name.contains("linux-x86"));
    }

    @Test
    void theShadedJarIsUnsignedAndCarriesTheDefaultsOfItsCommands() throws IOException {
        List<String> entries = entries(SHADED);

        assertThat(entries).noneMatch(name -> name.matches("META-INF/[^/]*\\.(SF|DSA|RSA)"));
        assertThat(entries).doesNotHaveDuplicates().contains("dev/sparkswitch/conf/spark/local.conf");
    }

    @Test
    void theThinJarHoldsOurClassesAlone() throws IOException {
        assertThat(classes(THIN)).isNotEmpty().allMatch(name -> name.startsWith("dev/sparkswitch/"));
    }

    @Test
    void theSparkHomeHoldsOneVersionOfEveryLibrary() throws IOException {
        List<String> names = sparkJars().stream()
                .map(jar -> jar.getFileName().toString())
                .filter(name -> !name.matches(".*-(linux|osx|windows)-[a-z0-9_]+\\.jar"))
                .map(name -> name.replaceFirst("-\\d[^/]*$", ""))
                .toList();

        assertThat(names).doesNotHaveDuplicates();
    }

    @Test
    void nd4jMultipliesOnEveryExecutorWithTheShadedJarAlone() throws IOException, InterruptedException {
        SubmittedProcess process = SubmittedProcess.run(scratch, LOCAL, probe("done"));

        assertThat(process.code()).as(process.err()).isZero();
        assertThat(process.out().lines()).containsExactlyInAnyOrder("executor 0 got 24", "executor 1 got 24");
    }

    @Test
    void aTerminatedDriverTakesItsExecutorsAlong() throws Exception {
        Process driver = SubmittedProcess.builder(scratch, LOCAL, probe("hold"))
                .redirectError(scratch.resolve("err").toFile())
                .start();
        try (BufferedReader out = driver.inputReader()) {
            out.readLine();
            assertThat(out.readLine()).isNotNull();
        }
        List<ProcessHandle> executors = driver.descendants().toList();

        driver.destroy();

        assertThat(executors).hasSizeGreaterThanOrEqualTo(2);
        for (ProcessHandle process : executors) {
            process.onExit().get(1, TimeUnit.MINUTES);
        }
        assertThat(driver.waitFor()).isEqualTo(143);
        assertThat(Files.readString(scratch.resolve("err"))).doesNotContain("error:");
    }

    private List<String> probe(String ending) throws IOException {
        Path jar = scratch.resolve("probe.jar");
        writeProbe(jar);
        return List.of(
                SPARK_HOME.resolve("bin/spark-submit").toString(),
                "--driver-memory",
                "512m",
                "--jars",
                SHADED.toString(),
                "--class",
                ProbeJob.class.getName(),
                jar.toString(),
                "probe",
                "--config",
                Files.writeString(scratch.resolve("probe.yaml"), "ending: " + ending + "\n")
                        .toString());
    }

    private static void writeProbe(Path jar) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file)) {
            for (String name : List.of("", "$Config", "$Ending", "$Product", "$Hold", "$1")) {
                String entry = "dev/sparkswitch/jobs/ProbeJob" + name + ".class";
                out.putNextEntry(new JarEntry(entry));
                try (InputStream in = ProbeJob.class.getResourceAsStream("/" + entry)) {
                    in.transferTo(out);
                }
                out.closeEntry();
            }
        }
    }

    private static List<Path> sparkJars() throws IOException {
        try (Stream<Path> files = Files.list(SPARK_HOME.resolve("jars"))) {
            return files.toList();
        }
    }

    private static Set<String> classes(Path jar) throws IOException {
        return entries(jar).stream().filter(name -> name.endsWith(".class")).collect(Collectors.toSet());
    }

    private static List<String> entries(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            return file.stream()
                    .map(JarEntry::getName)
                    .filter(name -> !name.endsWith("/"))
                    .toList();
        }
    }
}
