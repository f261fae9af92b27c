package dev.sparkswitch.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.HuggingFaceFolder;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.SafetensorsType;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.checkpoint.Tensors;
import dev.sparkswitch.engine.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ModelWriterTest {
    @TempDir
    Path folder;

    static List<Path> published() throws IOException {
        return Tensors.modelFolders();
    }

    @ParameterizedTest
    @MethodSource("published")
    void aModelIsTheSameAfterACheckpointAndBack(Path folderOfHuggingFace) {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(folderOfHuggingFace);
                ModelSource checkpoint =
                        Converted.checkpoint(ModelTensors.of(model), folder.resolve("checkpoint"), 50_000)) {
            assertThat(checkpoint.config()).isEqualTo(model.config());
            assertSame(checkpoint, model);
            if (folderOfHuggingFace.endsWith("switch-tiny-group-top2")) {
                assertThatThrownBy(() -> Converted.huggingFace(
                                ModelTensors.of(checkpoint), folder.resolve("back"), Converted.UNLIMITED))
                        .isInstanceOf(UserException.class)
                        .hasMessageContaining("it sends each token to the one expert of the highest probability");
                assertThat(folder.resolve("back")).doesNotExist();
                return;
            }
            try (ModelSource back =
                    Converted.huggingFace(ModelTensors.of(checkpoint), folder.resolve("back"), 50_000)) {
                assertThat(back.config()).isEqualTo(model.config());
                assertSame(back, model);
            }
        }
    }

    private static void assertSame(ModelSource found, ModelSource wanted) {
        assertThat(found.parameters().tensors()).isEqualTo(wanted.parameters().tensors());
        for (String name : wanted.parameters().tensors().keySet()) {
            assertThat(found.parameters().read(name))
                    .as(name)
                    .isEqualTo(wanted.parameters().read(name));
        }
    }

    @ParameterizedTest
    @EnumSource
    void theTypeIsAChoiceAndStandsInTheConfiguration(FloatType type) throws IOException {
        Path copy = folder.resolve("copy");
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("switch-tiny"));
                ModelSource written =
                        Converted.huggingFace(ModelTensors.of(model).as(type.stored()), copy, Converted.UNLIMITED)) {
            assertThat(written.parameters().tensors().values())
                    .allSatisfy(info -> assertThat(info.type()).isEqualTo(type.stored()));
            JsonNode config =
                    new ObjectMapper().readTree(copy.resolve("config.json").toFile());
            assertThat(config.get("torch_dtype").asText())
                    .isEqualTo(Map.of(
                                    FloatType.FLOAT32,
                                    "float32",
                                    FloatType.BF16,
                                    "bfloat16",
                                    FloatType.FLOAT16,
                                    "float16")
                            .get(type));
        }
    }

    @Test
    void filesAreNoLargerThanAskedFor() throws IOException {
        try (ModelSource ignored =
                Converted.checkpoint(Converted.random(Converted.sparse(4)), folder.resolve("model"), 5_000)) {
            try (Stream<Path> files = Files.list(folder.resolve("model"))) {
                assertThat(files.filter(file -> file.getFileName().toString().startsWith("experts-")))
                        .hasSizeGreaterThan(5)
                        .allMatch(file -> file.toFile().length() < 6_000);
            }
        }
    }

    @Test
    void aFileThatChangedAfterwardsIsFound() throws IOException {
        Converted.huggingFace(Converted.random(Converted.dense()), folder.resolve("model"), Converted.UNLIMITED)
                .close();
        Path file = folder.resolve("model/model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 7] ^= 1;
        Files.write(file, bytes);

        assertThatThrownBy(() -> ModelSource.open(Tensors.local(), Tensors.hadoop(folder.resolve("model"))))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("model.safetensors is damaged: its checksum is");
    }

    @Test
    void aValueThatTheTypeCannotHoldIsRefusedWithItsTensor() {
        assertThatThrownBy(() -> Converted.checkpoint(
                        withNorm(70_000).as(SafetensorsType.F16), folder.resolve("a"), Converted.UNLIMITED))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("Tensor encoder.final_layer_norm.weight holds a value that F16 cannot hold");
        try (ModelSource bf16 = Converted.checkpoint(
                withNorm(70_000).as(SafetensorsType.BF16), folder.resolve("b"), Converted.UNLIMITED)) {
            assertThat(bf16.parameters().floats("encoder.final_layer_norm.weight"))
                    .containsOnly(70_144);
        }
    }

    @Test
    void aValueThatIsNotFiniteIsRefusedWithItsTensor() {
        try (ModelSource broken =
                Converted.checkpoint(withNorm(Float.NaN), folder.resolve("broken"), Converted.UNLIMITED)) {
            assertThatThrownBy(() ->
                            Converted.huggingFace(ModelTensors.of(broken), folder.resolve("out"), Converted.UNLIMITED))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("tensor encoder.final_layer_norm.weight holds a value that is not finite");
            assertThat(folder.resolve("out/config.json")).doesNotExist();
        }
    }

    /** A model in which one norm has the same value everywhere. */
    private static ModelTensors withNorm(float value) {
        ByteBuffer bytes = ByteBuffer.allocate(16 * Float.BYTES).order(ByteOrder.nativeOrder());
        while (bytes.hasRemaining()) {
            bytes.putFloat(value);
        }
        bytes.flip();
        List<TensorSource> tensors = new ArrayList<>();
        for (TensorSource tensor : Converted.random(Converted.dense()).tensors()) {
            String name = tensor.info().name();
            tensors.add(
                    name.equals("encoder.final_layer_norm.weight")
                            ? TensorSource.of(name, DType.FLOAT32, new int[] {16}, bytes)
                            : tensor);
        }
        return new ModelTensors(Converted.dense(), tensors);
    }
}
