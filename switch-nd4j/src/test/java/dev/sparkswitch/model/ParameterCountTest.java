package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.Configs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The parameters of every model file in {@code conf/models}, none of which is allocated. */
class ParameterCountTest {
    private static final Path MODELS = Path.of("../conf/models");

    private static T5Config model(Path file) {
        return Configs.load(T5Config.class, file, List.of());
    }

    /** The released family, exactly, as published with the checkpoints. */
    @ParameterizedTest
    @CsvSource({
        "t5-base, 222903552",
        "t5-large, 737668096",
        "switch-base-8, 619339008",
        "switch-base-16, 1072397568",
        "switch-base-32, 1978514688",
        "switch-base-64, 3790748928",
        "switch-base-128, 7415217408",
        "switch-base-256, 14664154368",
        "switch-large-128, 26309291008"
    })
    void theReleasedFamilyHasItsExactCounts(String name, long parameters) {
        assertThat(ParameterSpecs.count(model(MODELS.resolve(name + ".yaml")))).isEqualTo(parameters);
    }

    /** The dense rows of the paper's table have the dimensions of T5 v1.1, whose counts are published. */
    @ParameterizedTest
    @CsvSource({"t5-base, 247577856", "t5-large, 783150080", "t5-xxl, 11135332352"})
    void thePapersDenseModelsAreThoseOfT5v11(String name, long parameters) {
        assertThat(ParameterSpecs.count(model(MODELS.resolve("paper/" + name + ".yaml"))))
                .isEqualTo(parameters);
    }

    /**
     * Table 9, in billions. Two of its rows do not follow from their own columns: Switch-Large (26B) has 27.2B, and
     * Switch-XXL (395B, for which it would need 128 experts) has 201B.
     */
    @ParameterizedTest
    @CsvSource({
        "paper/switch-base, 7, 0.5",
        "paper/switch-large, 27.2, 0.05",
        "paper/switch-xxl, 201, 0.5",
        "paper/switch-c, 1571, 0.5",
        "switch-xxl-128, 395, 0.5",
        "switch-c-2048, 1571, 0.5"
    })
    void thePapersSwitchModelsAreAsLargeAsItSays(String name, double billions, double rounding) {
        assertThat(ParameterSpecs.count(model(MODELS.resolve(name + ".yaml"))) / 1e9)
                .isCloseTo(billions, within(rounding));
    }

    /** The table of docs/models.md: a line a file, with the sizes that the file gives and the count that they make. */
    @Test
    void thePageOfModelsSaysWhatTheFilesSay() throws IOException {
        List<String> wanted;
        try (Stream<Path> found = Files.walk(MODELS)) {
            wanted = found.filter(Files::isRegularFile)
                    .map(ParameterCountTest::line)
                    .sorted()
                    .toList();
        }

        List<String> table = Files.readAllLines(Path.of("../docs/models.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .sorted()
                .toList();

        assertThat(table).isEqualTo(wanted);
    }

    private static String line(Path file) {
        T5Config config = model(file);
        String name = MODELS.relativize(file).toString().replace(".yaml", "");
        return String.format(
                Locale.ROOT,
                "| `%s` | %d + %d | %d | %d | %d x %d | %s | %,d |",
                name,
                config.encoderLayers(),
                config.decoderLayers(),
                config.modelSize(),
                config.feedForwardSize(),
                config.heads(),
                config.keySize(),
                config.sparse()
                        .map(sparse -> sparse.experts() + " in "
                                + (sparse.sparseLayers(Stack.ENCODER) + sparse.sparseLayers(Stack.DECODER)) + " layers")
                        .orElse("-"),
                ParameterSpecs.count(config));
    }

    @Test
    void everyModelFileIsReadAndSaysInWhichLayersItsExpertsAre() throws IOException {
        List<Path> files;
        try (Stream<Path> found = Files.walk(MODELS)) {
            files = found.filter(Files::isRegularFile).toList();
        }

        assertThat(files).hasSize(18).allSatisfy(file -> {
            T5Config config = model(file);
            assertThat(config.keySize()).isEqualTo(64);
            config.sparse().ifPresent(sparse -> {
                int every = file.toString().contains("switch-c") ? 1 : 2;
                for (Stack stack : Stack.values()) {
                    assertThat(sparse.sparseLayers(stack) * every).isEqualTo(config.layers(stack));
                }
            });
        });
    }

    @Test
    void switchBaseOfEightExpertsHasFourHundredAndFortyEntriesWithItsAliases() {
        T5Config config = T5Config.builder()
                .sparse(SwitchConfig.of(8, 6, 6, CapacityConfig.perSequence(64)))
                .build();

        assertThat(ParameterSpecs.of(config).size()
                        + ParameterSpecs.aliases(config).size())
                .isEqualTo(440);
    }

    @Test
    void expertsAreEntriesOfTheirOwnWithLayerAndIndex() {
        T5Config config = T5Config.builder()
                .sparse(SwitchConfig.of(8, 6, 6, CapacityConfig.perSequence(64)))
                .build();

        assertThat(ParameterSpecs.of(config))
                .filteredOn(spec -> spec.role() == Role.EXPERT)
                .hasSize(2 * 6 * 8 * 2)
                .allSatisfy(spec -> assertThat(spec.name())
                        .startsWith(spec.stack().orElseThrow().key() + ".block." + spec.layer() + ".")
                        .contains(".expert_" + spec.expert() + "."));
        assertThat(ParameterSpecs.of(config))
                .filteredOn(spec -> spec.role() == Role.ROUTER)
                .hasSize(12);
    }
}
