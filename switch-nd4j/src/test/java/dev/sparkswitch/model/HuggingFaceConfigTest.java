package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.model.HuggingFaceConfig.HeadTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HuggingFaceConfigTest {
    private static final Path FIXTURES =
            Path.of(System.getProperty("sparkswitch.fixtures", "../tests/src/test/resources/fixtures"));
    private static final ObjectMapper JSON = new ObjectMapper();

    static List<Path> folders() throws IOException {
        try (Stream<Path> cases = Files.list(FIXTURES.resolve("hf"))) {
            return cases.filter(folder -> Files.exists(folder.resolve("config.json")))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("folders")
    void aConfigurationThatIsWrittenIsReadBackTheSame(Path folder) throws IOException {
        T5Config config = read(tree(folder.getFileName().toString()));

        assertThat(read(HuggingFaceConfig.write(config))).isEqualTo(config);
    }

    @ParameterizedTest
    @MethodSource("folders")
    void whatIsWrittenAgreesWithTheFileField(Path folder) throws IOException {
        ObjectNode original = tree(folder.getFileName().toString());
        ObjectNode written = HuggingFaceConfig.write(read(original));

        written.fieldNames().forEachRemaining(name -> {
            // Ours adds its losses to the native fields; a group-based model leaves Hugging Face's capacity out.
            if (original.hasNonNull(name) && !name.equals("sparkswitch")) {
                assertThat(written.get(name).asText())
                        .as(name)
                        .isEqualTo(original.get(name).asText());
            }
        });
        if (original.has("sparkswitch")) {
            assertThat(written.at("/sparkswitch/router"))
                    .hasToString(original.at("/sparkswitch/router").toString());
            assertThat(written.at("/sparkswitch/capacity")).isEqualTo(original.at("/sparkswitch/capacity"));
        }
    }

    @Test
    void aGroupedTopTwoModel() throws IOException {
        T5Config config = read(tree("switch-tiny-group-top2"));
        SwitchConfig sparse = config.sparse().orElseThrow();

        assertThat(sparse.router()).isEqualTo(new RouterConfig.TopK(2, Overflow.DROP, new Exploration.Argmax()));
        assertThat(sparse.capacity()).isEqualTo(CapacityConfig.group(4, 1.0, 1.0, 4));
        assertThat(sparse.experts()).isEqualTo(4);
        assertThat(config.modelSize()).isEqualTo(32);
        assertThat(config.keySize()).isEqualTo(8);
        assertThat(config.vocabularySize()).isEqualTo(96);
        assertThat(config.head()).isEqualTo(Head.TIED_SCALED);
    }

    @Test
    void aFolderWithoutNativeFieldsRunsAsHuggingFaceDoes() throws IOException {
        ObjectNode tree = tree("switch-tiny-drops");
        tree.remove("sparkswitch");

        SwitchConfig sparse = read(tree).sparse().orElseThrow();

        assertThat(sparse.router()).isEqualTo(new RouterConfig.TopK(1, Overflow.DROP, new Exploration.Argmax()));
        assertThat(sparse.capacity()).isEqualTo(CapacityConfig.perSequence(3));
        assertThat(sparse.capacity().routePadding()).isTrue();
    }

    @Test
    void theHeadIsScaledAsTheFileSaysAndElseWhereItIsTied() throws IOException {
        assertThat(read(tree("t5-tiny")).head()).isEqualTo(Head.TIED_SCALED);
        assertThat(read(tree("t5v11-tiny-gated")).head()).isEqualTo(Head.UNTIED);

        ObjectNode silent = tree("t5-tiny");
        silent.remove(List.of("scale_decoder_outputs", "tie_word_embeddings"));
        assertThat(read(silent).head()).isEqualTo(Head.TIED_SCALED);

        ObjectNode unscaled = tree("t5-tiny").put("scale_decoder_outputs", false);
        assertThat(read(unscaled).head()).isEqualTo(Head.TIED_UNSCALED);
    }

    @Test
    void tensorsAreBelievedBeforeTheTieFlag() throws IOException {
        ObjectNode tree = tree("t5v11-tiny-gated").put("tie_word_embeddings", true);

        assertThat(HuggingFaceConfig.read(tree, "config.json", HeadTensor.OWN).head())
                .isEqualTo(Head.UNTIED);
        assertThat(HuggingFaceConfig.read(tree("switch-tiny"), "config.json", HeadTensor.OWN)
                        .head())
                .isEqualTo(Head.UNTIED);
        assertThat(HuggingFaceConfig.read(tree, "config.json", HeadTensor.SHARED)
                        .head())
                .isEqualTo(Head.TIED_UNSCALED);
    }

    @Test
    void everyFaultIsNamedWithFileAndField() throws IOException {
        ObjectNode tree = tree("switch-tiny-group").put("d_model", "wide").put("num_heads", 0);
        tree.remove("vocab_size");
        tree.put("num_layers", 3_000_000_000L).put("dense_act_fn", "silu").put("router_bias", true);
        tree.withObject("/sparkswitch/capacity").put("group-row", 4).put("minimum", 1.5);

        assertThatThrownBy(() -> HuggingFaceConfig.read(tree, "models/x/config.json", HeadTensor.UNKNOWN))
                .isInstanceOf(UserException.class)
                .hasMessageStartingWith("models/x/config.json: ")
                .hasMessageContaining("d_model is \"wide\" but must be an integer of at least 1")
                .hasMessageContaining("num_heads is 0")
                .hasMessageContaining("vocab_size is missing")
                .hasMessageContaining("num_layers is 3000000000")
                .hasMessageContaining("'silu'")
                .hasMessageContaining("router_bias")
                .hasMessageContaining("sparkswitch.capacity.group-row is not a known field")
                .hasMessageContaining("sparkswitch.capacity.minimum is 1.5");
    }

    @Test
    void contradictionsAcrossFieldsAreNamed() throws IOException {
        ObjectNode tree =
                tree("switch-tiny").put("num_sparse_encoder_layers", 0).put("num_sparse_decoder_layers", 0);
        tree.put("encoder_sparse_step", 0).put("decoder_sparse_step", 0);
        assertThatThrownBy(() -> read(tree)).hasMessageContaining("4 experts but no sparse layer");

        ObjectNode step = tree("switch-tiny").put("encoder_sparse_step", 3);
        assertThatThrownBy(() -> read(step))
                .hasMessageContaining("encoder_sparse_step is 3 but 2 sparse layers of 4 give 2");

        assertThatThrownBy(() -> read(JSON.createObjectNode().put("model_type", "bert")))
                .hasMessageContaining("model_type is 'bert'");
        assertThatThrownBy(() -> HuggingFaceConfig.read(JSON.createArrayNode(), "config.json", HeadTensor.UNKNOWN))
                .hasMessageContaining("not a JSON object");
    }

    @Test
    void aStackWithoutSparseLayersHasNoneUnlessTransformersStoredItsStepOfAllLayers() throws IOException {
        ObjectNode tree =
                tree("switch-tiny").put("num_sparse_decoder_layers", 0).put("decoder_sparse_step", 0);
        assertThat(read(tree).sparse(Stack.DECODER, 1)).isFalse();
        assertThat(read(tree).sparse(Stack.ENCODER, 1)).isTrue();

        tree.put("decoder_sparse_step", 4);
        assertThat(read(tree).sparse(Stack.DECODER, 1)).isTrue();
        assertThat(read(tree).sparse(Stack.DECODER, 3)).isFalse();
    }

    private static SwitchConfig with(RouterConfig router) {
        return SwitchConfig.of(4, 1, 0, CapacityConfig.group(2, 1, 2, 4)).toBuilder()
                .router(router)
                .build();
    }

    static List<RouterConfig> routers() {
        return List.of(
                RouterConfig.TOP_1,
                new RouterConfig.TopK(2, Overflow.REROUTE, new Exploration.Sample()),
                new RouterConfig.TopK(1, Overflow.DROP, new Exploration.InputJitter(0.125)),
                new RouterConfig.TopP(0.7, 3, Overflow.DROP, new Exploration.InputDropout(0.2)),
                new RouterConfig.TopP(1, 1, Overflow.REROUTE, new Exploration.Argmax()),
                new RouterConfig.ExpertChoice(Exploration.JITTER),
                new RouterConfig.Hash());
    }

    @ParameterizedTest
    @MethodSource("routers")
    void everyRouterIsReadBackAsItWasWritten(RouterConfig router) {
        T5Config config = T5Config.builder()
                .encoderLayers(2)
                .decoderLayers(2)
                .sparse(with(router))
                .build();

        assertThat(read(HuggingFaceConfig.write(config))).isEqualTo(config);
    }

    @Test
    void theRoutersPrecisionIsTheFieldOfHuggingFace() throws IOException {
        ObjectNode tree = tree("switch-tiny").put("router_dtype", "bfloat16");

        T5Config config = read(tree);

        assertThat(config.sparse().orElseThrow().routerPrecision()).isEqualTo(RouterPrecision.BF16);
        assertThat(HuggingFaceConfig.write(config).get("router_dtype").asText()).isEqualTo("bfloat16");
        assertThatThrownBy(() -> read(tree.put("router_dtype", "float16")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("router_dtype is 'float16' but must be 'float32' or 'bfloat16'");
    }

    @ParameterizedTest
    @MethodSource("routers")
    void onlyRoutersThatPickTheOneBestExpertCanBeExported(RouterConfig router) {
        T5Config config = T5Config.builder()
                .encoderLayers(2)
                .decoderLayers(2)
                .sparse(with(router))
                .build();

        if (router instanceof RouterConfig.TopK top && top.k() == 1) {
            assertThat(HuggingFaceConfig.export(config, 9)
                            .get("expert_capacity")
                            .intValue())
                    .isEqualTo(9);
        } else {
            String policy = RouterFields.write(router).get("policy").textValue();
            assertThatThrownBy(() -> HuggingFaceConfig.export(config, 9))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("cannot be exported")
                    .hasMessageContaining(policy);
        }
    }

    @Test
    void aRoutersFieldsAreThoseOfItsPolicy() throws IOException {
        ObjectNode tree = tree("switch-tiny-group");
        tree.withObject("/sparkswitch/router").put("policy", "top-p").put("p", 1.5);
        assertThatThrownBy(() -> read(tree))
                .hasMessageContaining("router.k: it belongs to the router.policy top-k, not top-p")
                .hasMessageContaining("sparkswitch");
        tree.withObject("/sparkswitch/router").remove("k");
        assertThatThrownBy(() -> read(tree)).hasMessageContaining("router.p is 1.5");
        tree.withObject("/sparkswitch/router").put("policy", "top");
        assertThatThrownBy(() -> read(tree)).hasMessageContaining("'top' is no choice of top-k, top-p");
    }

    @Test
    void exportDropsNothingAndRefusesWhatHuggingFaceLacks() throws IOException {
        T5Config grouped = read(tree("switch-tiny-group"));
        ObjectNode exported = HuggingFaceConfig.export(grouped, 512);

        assertThat(read(exported)).isEqualTo(grouped);
        assertThat(exported.get("expert_capacity").intValue()).isEqualTo(512);
        assertThat(HuggingFaceConfig.export(read(tree("switch-tiny-drops")), 512)
                        .get("expert_capacity")
                        .intValue())
                .isEqualTo(3);
        assertThatThrownBy(() -> HuggingFaceConfig.export(read(tree("switch-tiny-group-top2")), 512))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("\"k\":2");
        assertThatThrownBy(() -> HuggingFaceConfig.export(
                        read(tree("switch-tiny")).toBuilder()
                                .feedForward(FeedForward.GATED_GELU)
                                .build(),
                        512))
                .hasMessageContaining("GATED_GELU");
        T5Config beyond = beyondThePaper();
        assertThatThrownBy(() -> HuggingFaceConfig.export(beyond, 512))
                .hasMessageContaining("its experts have one width, but here they have [16, 16, 24, 24]")
                .hasMessageContaining("it has no experts in attention");
    }

    @Test
    void differentNumbersOfExpertsAreReadAsTheyWereWrittenAndNotExported() throws IOException {
        T5Config config = read(tree("switch-tiny-group"));
        SwitchConfig sparse = config.sparse().orElseThrow();
        List<Integer> counts = new ArrayList<>(Collections.nCopies(config.sparseLayers(), sparse.experts()));
        counts.set(0, 1);
        T5Config different = config.toBuilder()
                .sparse(sparse.toBuilder().layerExperts(counts).build())
                .build();

        assertThat(read(HuggingFaceConfig.write(different))).isEqualTo(different);
        assertThatThrownBy(() -> HuggingFaceConfig.export(different, 512))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("its sparse layers have as many experts each, but here they have " + counts);
    }

    private static T5Config beyondThePaper() throws IOException {
        T5Config config = read(tree("switch-tiny-group"));
        return config.toBuilder()
                .sparse(config.sparse().orElseThrow().toBuilder()
                        .expertWidths(List.of(16, 16, 24, 24))
                        .attention(AttentionForm.SWITCH)
                        .build())
                .build();
    }

    @Test
    void expertWidthsAndExpertsInAttentionAreReadAsTheyWereWritten() throws IOException {
        T5Config beyond = beyondThePaper();
        ObjectNode tree = HuggingFaceConfig.write(beyond);

        assertThat(read(tree)).isEqualTo(beyond);
        tree.withObject("/sparkswitch")
                .put("attention", "local")
                .putArray("expert-widths")
                .add(0);
        assertThatThrownBy(() -> read(tree))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("sparkswitch.attention 'local' is not known")
                .hasMessageContaining("sparkswitch.expert-widths is [0] but must be a list of integers of at least 1");
    }

    private static T5Config read(ObjectNode tree) {
        return HuggingFaceConfig.read(tree, "config.json", HeadTensor.UNKNOWN);
    }

    private static ObjectNode tree(String name) throws IOException {
        return (ObjectNode) JSON.readTree(
                FIXTURES.resolve("hf").resolve(name).resolve("config.json").toFile());
    }
}
