package dev.sparkswitch.convert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.SafetensorsType;
import dev.sparkswitch.checkpoint.Tensors;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A conversion in a Java machine with less memory than the model's largest tensor takes. */
class BoundedMemoryTest {
    private static final int HEAP_MIB = 48;
    private static final int DIRECT_MIB = 8;

    /** An embedding of 64 MiB in float32, and 132 MiB in all. */
    private static T5Config large() {
        return Converted.dense().toBuilder()
                .vocabularySize(1 << 18)
                .modelSize(64)
                .keySize(16)
                .feedForwardSize(1 << 14)
                .build();
    }

    @TempDir
    Path folder;

    @Test
    void aModelLargerThanTheMemoryIsUpcycledAndConverted() throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        File log = folder.resolve("log").toFile();
        Process process = new ProcessBuilder(
                        java,
                        "-Xmx" + HEAP_MIB + "m",
                        "-XX:MaxDirectMemorySize=" + DIRECT_MIB + "m",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        BoundedMemoryTest.class.getName(),
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        try {
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        } finally {
            process.destroyForcibly();
        }

        assertThat(process.exitValue()).as(Files.readString(log.toPath())).isZero();
        assertThat(Files.size(folder.resolve("dense/dense.safetensors"))).isGreaterThan((HEAP_MIB + DIRECT_MIB) << 21);
        T5Config sparse = Converted.upcycle(2, 1, 0.1).sparse(large());
        assertThat(Files.size(folder.resolve("sparse/model.safetensors")))
                .isGreaterThan(2 * ParameterSpecs.count(sparse));
    }

    /** What the Java machine with little memory does. */
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        T5Config config = large();
        Initializer initializer = new Initializer(1, 0.1, 1);
        FreshTensors fresh = new FreshTensors(config, initializer, SafetensorsType.F32);
        ModelTensors drawn = new ModelTensors(
                config, ParameterSpecs.of(config).stream().map(fresh::of).toList());
        try (ModelSource dense = Converted.checkpoint(drawn, folder.resolve("dense"), Converted.UNLIMITED);
                ModelSource sparse = Converted.huggingFace(
                        Upcycling.upcycle(ModelTensors.of(dense), Converted.upcycle(2, 1, 0.1), initializer, 0)
                                .as(SafetensorsType.BF16),
                        folder.resolve("sparse"),
                        Converted.UNLIMITED)) {
            if (sparse.config().sparse().isEmpty()) {
                throw new UserException("no experts");
            }
        }
        Tensors.local().close();
    }
}
