package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.checkpoint.HuggingFaceFolder;
import dev.sparkswitch.checkpoint.SafetensorsReader;
import dev.sparkswitch.checkpoint.SafetensorsWriter;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.jobs.InProcess;
import dev.sparkswitch.tests.parity.Fixtures;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sparkswitch convert} as a person meets it. */
class ConvertTest {
    private static final String NORM = "encoder.final_layer_norm.weight";

    @TempDir
    Path folder;

    private static String published(String name) {
        return Fixtures.root().resolve("hf").resolve(name).toString();
    }

    private InProcess convert(String from, String output, String... more) {
        List<String> arguments = new ArrayList<>(
                List.of("convert", "--set", "from=" + from, "--set", "output=" + folder.resolve(output)));
        for (String setting : more) {
            arguments.addAll(List.of("--set", setting));
        }
        return InProcess.run(arguments.toArray(String[]::new));
    }

    @Test
    void aModelGoesToACheckpointAndBackUnchanged() throws IOException {
        String from = published("switch-tiny");

        InProcess there = convert(from, "checkpoint", "format=checkpoint");
        InProcess back = convert(folder.resolve("checkpoint").toString(), "back");

        assertThat(there.err()).isEmpty();
        assertThat(there.out()).startsWith("convert made ").contains("parameters");
        assertThat(back.err()).isEmpty();
        try (HuggingFaceFolder wanted = HuggingFaceFolder.open(Path.of(from));
                HuggingFaceFolder found = HuggingFaceFolder.open(folder.resolve("back"))) {
            assertThat(found.config()).isEqualTo(wanted.config());
            for (String name : wanted.parameters().tensors().keySet()) {
                assertThat(found.parameters().read(name))
                        .isEqualTo(wanted.parameters().read(name));
            }
        }
    }

    @Test
    void typeAndSizeOfTheFilesAreOptions() throws IOException {
        InProcess outcome = convert(published("t5v11-tiny-gated"), "half", "dtype=float16", "shard-size=20kB");

        assertThat(outcome.err()).isEmpty();
        assertThat(folder.resolve("half/model.safetensors.index.json")).exists();
        assertThat(new ObjectMapper()
                        .readTree(folder.resolve("half/config.json").toFile())
                        .get("torch_dtype")
                        .asText())
                .isEqualTo("float16");
    }

    @Test
    void whatIsDoneIsFoundAndWhatIsOtherIsLeftAlone() throws IOException {
        convert(published("t5-tiny"), "out");

        assertThat(convert(published("t5-tiny"), "out").out()).startsWith("convert was complete already");
        InProcess other = convert(published("t5-tiny"), "out", "dtype=bf16");
        assertThat(other.err()).contains("already holds a 'model' made with other settings");
        assertThat(other.code()).isEqualTo(2);
        Files.createDirectories(folder.resolve("taken"));
        Files.writeString(folder.resolve("taken/thesis.txt"), "the only copy");
        assertThat(convert(published("t5-tiny"), "taken").err()).contains("holds thesis.txt but no manifest");
    }

    @Test
    void aModelThatWasCutOffIsMadeAnew() throws IOException {
        Files.createDirectories(folder.resolve("out"));
        Files.createFile(folder.resolve("out/.incomplete"));
        Files.writeString(folder.resolve("out/config.json"), "{");
        Files.writeString(folder.resolve("out/model-00009-of-00010.safetensors"), "left over");

        assertThat(convert(published("t5-tiny"), "out").err()).isEmpty();

        assertThat(folder.resolve("out/model-00009-of-00010.safetensors")).doesNotExist();
        assertThat(folder.resolve("out/.incomplete")).doesNotExist();
    }

    @Test
    void aDenseModelGetsExpertsAndASwitchModelADenseStudent() {
        InProcess up = convert(published("t5-tiny"), "switch", "upcycle.experts=4", "upcycle.noise=0.01");
        assertThat(up.err()).isEmpty();
        InProcess down = convert(folder.resolve("switch").toString(), "student", "dense-student=true");
        assertThat(down.err()).isEmpty();

        try (HuggingFaceFolder before = HuggingFaceFolder.open(Path.of(published("t5-tiny")));
                HuggingFaceFolder sparse = HuggingFaceFolder.open(folder.resolve("switch"));
                HuggingFaceFolder student = HuggingFaceFolder.open(folder.resolve("student"))) {
            assertThat(sparse.config().sparse().orElseThrow().experts()).isEqualTo(4);
            assertThat(student.config()).isEqualTo(before.config());
            assertThat(student.parameters().floats("shared.weight"))
                    .isEqualTo(before.parameters().floats("shared.weight"));
        }
    }

    @Test
    void thePlanTellsTheSizesAndWritesNothing() {
        InProcess outcome = InProcess.run(
                "convert",
                "--dry-run",
                "--set",
                "from=" + published("t5-tiny"),
                "--set",
                "output=" + folder.resolve("out"),
                "--set",
                "upcycle.experts=8");

        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.out()).contains("parameters, dense").contains("parameters, 8 experts a sparse layer");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "upcycle.experts=2 | dense-student=true | t5-tiny | choose one",
                "upcycle.experts=2 | seed=1 | switch-tiny | has experts already",
                "dense-student=true | seed=1 | t5-tiny | The teacher has no experts",
                "upcycle.experts=2 | seed=1 | t5v11-tiny-gated | cannot be exported",
                "longest-length=0 | seed=1 | t5-tiny | longest-length is 0",
            })
    void whatCannotBeIsRefusedBeforeAnythingIsWritten(String one, String two, String from, String says) {
        InProcess outcome = convert(published(from), "out", one, two);

        assertThat(outcome.err()).startsWith("error: ").contains(says).hasLineCount(1);
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void damagedModelsAreRefusedWithTheTensorsName() throws IOException {
        assertRefused(damaged("missing", Damage.MISSING), NORM + " is missing");
        assertRefused(damaged("surplus", Damage.SURPLUS), "router.bias belongs to no parameter");
        assertRefused(damaged("shape", Damage.SHAPE), NORM + " has shape [2] instead of [32]");
        assertRefused(damaged("nan", Damage.NOT_FINITE), NORM + " holds a value that is not finite, element 1");
        Path cut = damaged("cut", Damage.NONE);
        Path file = cut.resolve("model.safetensors");
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), (int) Files.size(file) - 1));
        assertRefused(cut, "tensor shared.weight ends at byte");
    }

    private void assertRefused(Path from, String says) {
        InProcess outcome = convert(from.toString(), from.getFileName() + "-out");
        assertThat(outcome.err()).startsWith("error: ").contains(says).hasLineCount(1);
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(folder.resolve(from.getFileName() + "-out/config.json")).doesNotExist();
    }

    private enum Damage {
        NONE,
        MISSING,
        SURPLUS,
        SHAPE,
        NOT_FINITE
    }

    private Path damaged(String name, Damage damage) throws IOException {
        Path source = Path.of(published("t5-tiny"));
        Path copy = Files.createDirectories(folder.resolve(name));
        ObjectNode config = (ObjectNode)
                new ObjectMapper().readTree(source.resolve("config.json").toFile());
        new ObjectMapper().writeValue(copy.resolve("config.json").toFile(), config);
        List<TensorSource> tensors = new ArrayList<>();
        try (SafetensorsReader reader = SafetensorsReader.open(source.resolve("model.safetensors"));
                OutputStream out = Files.newOutputStream(copy.resolve("model.safetensors"))) {
            for (String tensor : reader.tensors().keySet()) {
                if (!tensor.equals(NORM)) {
                    tensors.add(TensorSource.of(reader, tensor));
                }
            }
            switch (damage) {
                case NONE -> tensors.add(TensorSource.of(reader, NORM));
                case MISSING -> {}
                case SURPLUS -> {
                    tensors.add(TensorSource.of(reader, NORM));
                    tensors.add(constant("router.bias", 1, 0));
                }
                case SHAPE -> tensors.add(constant(NORM, 2, 1));
                case NOT_FINITE -> tensors.add(constant(NORM, 32, Float.POSITIVE_INFINITY));
            }
            SafetensorsWriter.write(out, tensors);
        }
        return copy;
    }

    /** A vector of ones but for its second element. */
    private static TensorSource constant(String name, int length, float second) {
        ByteBuffer bytes = ByteBuffer.allocate(length * Float.BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < length; i++) {
            bytes.putFloat(i * Float.BYTES, i == 1 ? second : 1);
        }
        return TensorSource.of(name, DType.FLOAT32, new int[] {length}, bytes);
    }
}
