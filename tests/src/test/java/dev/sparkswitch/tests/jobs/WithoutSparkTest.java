package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line on a class path that has neither Spark nor Hadoop, Scala, Arrow or Netty. */
final class WithoutSparkTest {
    @TempDir
    private Path scratch;

    @Test
    void stepsAreTimed() throws Exception {
        Ended ended = run(
                "bench",
                "step",
                "--json",
                "--set",
                "model=" + TinyModel.write(scratch),
                "engine.kind=nd4j",
                "batch=2",
                "inputs=16",
                "targets=8",
                "steps=2",
                "warm-up=1");

        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode report = new ObjectMapper().readTree(ended.out());
        assertThat(report.get("tokens-per-second").doubleValue()).isPositive();
        assertThat(report.get("phases").fieldNames()).toIterable().contains("experts", "attention", "optimizer");
    }

    @Test
    void operationsAreTimed() throws Exception {
        Ended ended = run(
                "bench",
                "ops",
                "--json",
                "--set",
                "model=" + TinyModel.write(scratch),
                "engine.kind=nd4j",
                "batch=2",
                "inputs=16",
                "targets=8",
                "repeats=1");

        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode operations = new ObjectMapper().readTree(ended.out()).get("operations");
        assertThat(operations.findValuesAsText("name"))
                .contains("addNorm", "attentionBackward, cross", "groupedLinear", "embedBackward");
        assertThat(operations)
                .allSatisfy(operation ->
                        assertThat(operation.get("seconds").doubleValue()).isPositive());
    }

    @Test
    void theHelpKnowsEveryCommand() throws Exception {
        assertThat(run("--help").out()).contains("pretrain", "bench", "bundle");
    }

    @Test
    void aCommandThatNeedsSparkSaysSo() throws Exception {
        Ended ended = run("vocab", "--set", "corpus=nowhere", "output=nowhere");

        assertThat(ended.code()).isEqualTo(3);
        assertThat(ended.err()).contains("error: This command needs Spark");
    }

    private record Ended(int code, String out, String err) {}

    private Ended run(String... arguments) throws IOException, InterruptedException {
        String path = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.matches(".*/(org/apache/(spark|hadoop|arrow)|io/netty|org/scala-lang)/.*"))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(File.pathSeparator));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-cp",
                path,
                "dev.sparkswitch.jobs.Main"));
        command.addAll(List.of(arguments));
        Path out = scratch.resolve("out");
        Path err = scratch.resolve("err");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
        return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
    }
}
