package dev.sparkswitch.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.Embedding;
import dev.sparkswitch.model.Head;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class HuggingFaceFolderTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long UNLIMITED = Long.MAX_VALUE;

    @TempDir
    Path folder;

    static List<Path> cases() throws IOException {
        return Tensors.modelFolders();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyPublishedFolderHasExactlyTheNamesAndShapesOfItsConfiguration(Path published) {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(published);
                SafetensorsReader raw = SafetensorsReader.open(published.resolve("model.safetensors"))) {
            List<String> names =
                    new ArrayList<>(ParameterSpecs.aliases(model.config()).keySet());
            if (model.config().embedding() == Embedding.PER_STACK) {
                // Stored, but read by neither stack.
                names.add("shared.weight");
            }
            for (ParameterSpec spec : ParameterSpecs.of(model.config())) {
                names.add(spec.name());
                assertThat(raw.info(spec.name()).shape()).isEqualTo(spec.shape());
            }
            assertThat(raw.tensors()).containsOnlyKeys(names);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aFolderThatIsReadAndWrittenIsTheSameModel(Path published) {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(published)) {
            Path copy = folder.resolve("copy");
            write(copy, model.config(), sources(model), UNLIMITED);

            try (HuggingFaceFolder read = HuggingFaceFolder.open(copy)) {
                assertSame(read, model);
            }
        }
    }

    @Test
    void aLargeModelIsSpreadOverFiles() throws IOException {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("switch-tiny"))) {
            Path copy = folder.resolve("copy");
            write(copy, model.config(), sources(model), 100_000);

            assertThat(copy.resolve("model.safetensors.index.json")).exists();
            try (Stream<Path> files = Files.list(copy)) {
                assertThat(files.filter(file -> file.toString().endsWith(".safetensors")))
                        .hasSizeGreaterThan(4)
                        .allSatisfy(file ->
                                assertThat(file).hasFileName(file.getFileName().toString()))
                        .allMatch(file -> file.toFile().length() < 120_000);
            }
            try (HuggingFaceFolder read = HuggingFaceFolder.open(copy)) {
                assertSame(read, model);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SafetensorsType.class,
            names = {"F64", "F16", "BF16"})
    void modelsOfOtherPrecisionAreReadAsFloat32(SafetensorsType type) {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("switch-tiny"))) {
            Path copy = folder.resolve("copy");
            List<TensorSource> converted =
                    sources(model).stream().map(source -> source.as(type)).toList();
            write(copy, model.config(), converted, UNLIMITED);

            try (HuggingFaceFolder read = HuggingFaceFolder.open(copy)) {
                float[] exact = model.parameters().floats("shared.weight");
                float[] rounded = read.parameters().floats("shared.weight");
                for (int i = 0; i < exact.length; i++) {
                    float error = type == SafetensorsType.F64 ? 0 : Math.max(1e-7f, Math.abs(exact[i]) * 0x1p-8f);
                    assertThat(Math.abs(rounded[i] - exact[i])).isLessThanOrEqualTo(error);
                }
            }
        }
    }

    @Test
    void theEmbeddingIsFoundUnderAnyOfItsNames() throws IOException {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("t5-tiny"))) {
            for (String alias : ParameterSpecs.aliases(model.config()).keySet()) {
                Path copy = raw("under-" + alias, "t5-tiny", source -> switch (source.info()
                        .name()) {
                    case "shared.weight" -> source.renamed(alias);
                    default -> source;
                });
                try (HuggingFaceFolder read = HuggingFaceFolder.open(copy)) {
                    assertSame(read, model);
                }
            }
        }
    }

    @Test
    void aHeadOfItsOwnIsBelievedBeforeTheTieFlag() throws IOException {
        Path copy = raw("tied", "t5v11-tiny-gated", source -> source);
        Path config = copy.resolve("config.json");
        ObjectNode tree = (ObjectNode) JSON.readTree(config.toFile());
        JSON.writeValue(config.toFile(), tree.put("tie_word_embeddings", true));

        try (HuggingFaceFolder read = HuggingFaceFolder.open(copy)) {
            assertThat(read.config().head()).isEqualTo(Head.UNTIED);
            assertThat(read.parameters().tensors()).containsKey("lm_head.weight");
        }
    }

    @Test
    void theUnusedBiasOfPublishedModelsIsIgnored() throws IOException {
        String bias = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";
        Path copy = raw("bias", "t5-tiny", source -> source, Tensors.floats(bias, List.of(1), 1));

        try (HuggingFaceFolder read = HuggingFaceFolder.open(copy)) {
            assertThat(read.parameters().tensors()).doesNotContainKey(bias);
        }
    }

    @Test
    void tensorsThatDoNotFitAreNamed() throws IOException {
        Path faulty = raw(
                "faulty",
                "switch-tiny",
                source -> switch (source.info().name()) {
                    case "encoder.final_layer_norm.weight" -> null;
                    case "decoder.final_layer_norm.weight" ->
                        Tensors.floats("decoder.final_layer_norm.weight", List.of(2), 1, 2);
                    default -> source;
                },
                Tensors.floats("router.bias", List.of(1), 1));

        assertThatThrownBy(() -> HuggingFaceFolder.open(faulty))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("encoder.final_layer_norm.weight is missing")
                .hasMessageContaining("decoder.final_layer_norm.weight has shape [2] instead of [32]")
                .hasMessageContaining("router.bias belongs to no parameter");
    }

    @Test
    void stacksWithEmbeddingsOfTheirOwnAreRecognisedByTheirTensors() {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("t5v11-tiny-gated"))) {
            assertThat(model.config().embedding()).isEqualTo(Embedding.PER_STACK);
            assertThat(model.parameters().tensors())
                    .containsKeys("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
                    .doesNotContainKey("shared.weight");
        }
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("t5-tiny"))) {
            assertThat(model.config().embedding()).isEqualTo(Embedding.SHARED);
        }
    }

    @Test
    void anUntiedHeadBesideOneEmbeddingIsThePublishedFormOfT5v11() throws IOException {
        Path copy =
                raw("v11", "t5v11-tiny-gated", source -> switch (source.info().name()) {
                    case "decoder.embed_tokens.weight" -> null;
                    case "encoder.embed_tokens.weight" -> source.renamed("shared.weight");
                    default -> source;
                });

        try (HuggingFaceFolder model = HuggingFaceFolder.open(copy)) {
            assertThat(model.config().embedding()).isEqualTo(Embedding.SHARED);
            assertThat(model.config().head()).isEqualTo(Head.UNTIED);
            assertThat(model.parameters().tensors()).containsKeys("shared.weight", "lm_head.weight");
        }
    }

    @Test
    void aTiedHeadCannotServeTwoEmbeddings() throws IOException {
        Path faulty =
                raw("two", "t5-tiny", source -> source, Tensors.floats("encoder.embed_tokens.weight", List.of(1), 1));

        assertThatThrownBy(() -> HuggingFaceFolder.open(faulty))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("a head that is tied needs one embedding for both stacks");
    }

    @Test
    void aValueThatIsNotFiniteIsRefusedWhenItIsRead() throws IOException {
        float[] values = new float[32];
        values[3] = Float.NaN;
        String norm = "encoder.final_layer_norm.weight";
        Path broken = raw(
                "nan",
                "t5-tiny",
                source -> source.info().name().equals(norm) ? Tensors.floats(norm, List.of(32), values) : source);

        try (HuggingFaceFolder read = HuggingFaceFolder.open(broken)) {
            assertThat(read.parameters().floats("decoder.final_layer_norm.weight"))
                    .hasSize(32);
            assertThatThrownBy(() -> read.parameters().doubles(norm))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining(norm)
                    .hasMessageContaining("not finite, element 3");
        }
    }

    @Test
    void aTruncatedOrMissingFileIsNamed() throws IOException {
        Path cut = raw("cut", "t5-tiny", source -> source);
        Path file = cut.resolve("model.safetensors");
        byte[] content = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(content, content.length - 10));
        assertThatThrownBy(() -> HuggingFaceFolder.open(cut))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("cut/model.safetensors")
                .hasMessageContaining("tensor shared.weight ends at byte")
                .hasMessageContaining("was cut");

        Files.delete(file);
        assertThatThrownBy(() -> HuggingFaceFolder.open(cut))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("neither model.safetensors nor");
        Files.writeString(cut.resolve("config.json"), "{\"model_type\":");
        assertThatThrownBy(() -> HuggingFaceFolder.open(cut)).hasMessageContaining("config.json is not valid JSON");
        assertThatThrownBy(() -> HuggingFaceFolder.open(folder.resolve("none")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("There is no file");
    }

    @Test
    void anIndexCannotLeadOutOfItsFolder() throws IOException {
        Path copy = folder.resolve("index");
        Files.createDirectories(copy);
        Files.copy(Tensors.modelFolder("t5-tiny").resolve("config.json"), copy.resolve("config.json"));
        for (String escape : List.of("../model.safetensors", "/etc/passwd", "..", "a/b", "")) {
            Files.writeString(
                    copy.resolve("model.safetensors.index.json"),
                    "{\"weight_map\":{\"shared.weight\":\"" + escape + "\"}}");
            assertThatThrownBy(() -> HuggingFaceFolder.open(copy))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("which is no file name");
        }
        Files.writeString(copy.resolve("model.safetensors.index.json"), "{\"weight_map\":[]}");
        assertThatThrownBy(() -> HuggingFaceFolder.open(copy)).hasMessageContaining("no weight_map");
    }

    @Test
    void anUntiedModelIsWrittenWithTheCopiesThatTransformersLooksFor() {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("switch-tiny"))) {
            T5Config config = model.config().toBuilder().head(Head.UNTIED).build();
            Path copy = folder.resolve("untied");
            write(copy, config, Tensors.random(config, 1), UNLIMITED);

            try (HuggingFaceFolder read = HuggingFaceFolder.open(copy);
                    SafetensorsReader raw = SafetensorsReader.open(copy.resolve("model.safetensors"))) {
                assertThat(read.config()).isEqualTo(config);
                assertThat(raw.read("encoder.embed_tokens.weight")).isEqualTo(raw.read("shared.weight"));
                assertThat(raw.read("decoder.embed_tokens.weight")).isEqualTo(raw.read("shared.weight"));
            }
        }
    }

    @Test
    void anExistingModelIsLeftAlone() {
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder("t5-tiny"))) {
            Path copy = folder.resolve("copy");
            write(copy, model.config(), sources(model), UNLIMITED);

            assertThatThrownBy(() -> write(copy, model.config(), sources(model), UNLIMITED))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("already holds a model");
            assertThatThrownBy(() -> write(
                            folder.resolve("part"),
                            model.config(),
                            sources(model).subList(1, 5),
                            UNLIMITED))
                    .hasMessageContaining("shared.weight is missing");
            assertThat(folder.resolve("part")).doesNotExist();
        }
    }

    private void write(Path to, T5Config config, List<TensorSource> tensors, long shardBytes) {
        HuggingFaceFolder.write(
                Tensors.local(), Tensors.hadoop(to), config, HuggingFaceConfig.write(config), tensors, shardBytes);
    }

    private static List<TensorSource> sources(HuggingFaceFolder model) {
        return ParameterSpecs.of(model.config()).stream()
                .map(spec -> TensorSource.of(model.parameters(), spec.name()))
                .toList();
    }

    /** A folder with the parameters of a published one, changed (or dropped: null), and {@code more}. */
    private Path raw(String name, String published, UnaryOperator<TensorSource> change, TensorSource... more)
            throws IOException {
        Path copy = Files.createDirectories(folder.resolve(name));
        Files.copy(Tensors.modelFolder(published).resolve("config.json"), copy.resolve("config.json"));
        try (HuggingFaceFolder model = HuggingFaceFolder.open(Tensors.modelFolder(published));
                OutputStream out = Files.newOutputStream(copy.resolve("model.safetensors"))) {
            List<TensorSource> tensors = new ArrayList<>(List.of(more));
            for (TensorSource source : sources(model)) {
                TensorSource changed = change.apply(source);
                if (changed != null) {
                    tensors.add(changed);
                }
            }
            SafetensorsWriter.write(out, tensors);
        }
        return copy;
    }

    private static void assertSame(HuggingFaceFolder read, HuggingFaceFolder model) {
        assertThat(read.config()).isEqualTo(model.config());
        assertThat(read.parameters().tensors()).isEqualTo(model.parameters().tensors());
        for (String name : model.parameters().tensors().keySet()) {
            assertThat(read.parameters().read(name))
                    .isEqualTo(model.parameters().read(name));
        }
    }
}
