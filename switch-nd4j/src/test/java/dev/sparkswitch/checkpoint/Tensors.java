package dev.sparkswitch.checkpoint;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/** What tests of stored tensors share. */
public final class Tensors {
    private static final Path FIXTURES =
            Path.of(System.getProperty("sparkswitch.fixtures", "../tests/src/test/resources/fixtures"));

    private Tensors() {}

    public static FileSystem local() {
        try {
            return FileSystem.getLocal(new Configuration(false));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static org.apache.hadoop.fs.Path hadoop(Path path) {
        return new org.apache.hadoop.fs.Path(path.toUri());
    }

    /** Every folder of a model among the fixtures. */
    public static List<Path> modelFolders() throws IOException {
        try (Stream<Path> cases = Files.list(FIXTURES.resolve("hf"))) {
            return cases.filter(folder -> Files.exists(folder.resolve("model.safetensors")))
                    .sorted()
                    .toList();
        }
    }

    /** Every safetensors file among the fixtures. */
    static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.walk(FIXTURES.resolve("hf"))) {
            return files.filter(file -> file.toString().endsWith(".safetensors"))
                    .sorted()
                    .toList();
        }
    }

    public static Path modelFolder(String name) {
        return FIXTURES.resolve("hf").resolve(name);
    }

    static TensorSource floats(String name, List<Integer> shape, float... values) {
        ByteBuffer data = ByteBuffer.allocateDirect(4 * values.length).order(ByteOrder.nativeOrder());
        data.asFloatBuffer().put(values);
        return TensorSource.of(name, DType.FLOAT32, shape, () -> data);
    }

    /** Random values for a parameter, the same for one seed. */
    static TensorSource random(ParameterSpec spec, long seed) {
        return floats(spec.name(), spec.shape(), randomValues(spec, seed));
    }

    static float[] randomValues(ParameterSpec spec, long seed) {
        Random random = new Random(seed ^ spec.name().hashCode());
        float[] values = new float[Math.toIntExact(spec.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    public static List<TensorSource> random(T5Config config, long seed) {
        return ParameterSpecs.of(config).stream()
                .map(spec -> random(spec, seed))
                .toList();
    }

    static void write(Path file, TensorSource... tensors) {
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Arrays.asList(tensors));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
