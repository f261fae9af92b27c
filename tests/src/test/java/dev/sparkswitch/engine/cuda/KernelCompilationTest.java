package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.tests.ProjectFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every module of kernels compiles to machine code of the cards that are supported, without a card. */
final class KernelCompilationTest {
    private static final Path SOURCES = Path.of("switch-nd4j/src/main/resources/dev/sparkswitch/engine/cuda");

    @TempDir
    private Path scratch;

    @BeforeAll
    static void needsTheCompiler() {
        assumeTrue(
                Stream.of(System.getenv("PATH").split(":"))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "nvcc"))),
                "skipped: nvcc is not installed");
    }

    static List<String> modules() throws IOException {
        try (Stream<Path> files = Files.list(ProjectFolder.path().resolve(SOURCES))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".cu"))
                    .map(name -> name.substring(0, name.length() - 3))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("modules")
    void compilesForAmpereHopperAndBlackwell(String module) throws IOException, InterruptedException {
        for (DType compute : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            Path source = Files.writeString(scratch.resolve(compute + ".cu"), KernelSources.text(module, compute));
            Process process = new ProcessBuilder(
                            "nvcc",
                            "-std=c++17",
                            // Compiling is what is tested, not the speed of the result.
                            "--threads=2",
                            "-Xptxas=-O1",
                            "-gencode=arch=compute_80,code=sm_80",
                            "-gencode=arch=compute_90,code=sm_90",
                            "-gencode=arch=compute_100,code=sm_100",
                            "-fatbin",
                            "-o",
                            scratch.resolve("kernels.fatbin").toString(),
                            source.toString())
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(output).isZero();
        }
    }
}
