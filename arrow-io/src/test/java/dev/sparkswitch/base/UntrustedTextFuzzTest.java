package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ConfigsTest.Job;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Manifests and configurations that anybody may have written: read, or refused in one sentence. */
class UntrustedTextFuzzTest {
    private static final byte[] SOUND = ManifestJson.write(Manifest.builder(Manifest.SHARDS)
            .count("rows", 7)
            .property("packing", "none")
            .input("corpus", "/data/corpus", "sha256:1")
            .file(new Manifest.Entry("part/00000.arrow", 1234, "crc32c:0123abcd"))
            .build());

    private static final String CONFIG = """
            train: {steps: 10, rows: 4, rate: 1.5e-3}
            tasks: [{name: a}, {name: b}]
            """;

    private static Optional<Manifest> read(byte[] json) {
        try {
            return Optional.of(ManifestJson.read(json, "x/manifest.json"));
        } catch (UserException e) {
            assertThat(e).hasMessageStartingWith("x/manifest.json ");
            return Optional.empty();
        }
    }

    private static void assertInside(Manifest manifest) {
        java.nio.file.Path folder = java.nio.file.Path.of("/some/folder");
        for (Manifest.Entry entry : manifest.files()) {
            assertThat(folder.resolve(entry.path()).normalize()).startsWithRaw(folder);
            assertThat(entry.bytes()).isNotNegative();
        }
    }

    @Property(tries = 1000)
    void anyBytesAreNoManifest(@ForAll @Size(max = 200) byte[] bytes) {
        read(bytes).ifPresent(UntrustedTextFuzzTest::assertInside);
    }

    @Property(tries = 2000)
    void aManifestWithAByteChangedIsReadOrRefused(@ForAll @IntRange(max = 10_000) int where, @ForAll byte value) {
        byte[] bytes = SOUND.clone();
        bytes[where % bytes.length] = value;
        read(bytes).ifPresent(UntrustedTextFuzzTest::assertInside);
    }

    @Property(tries = 300)
    void aManifestCutShortIsRefused(@ForAll @IntRange(max = 10_000) int length) {
        assertThat(read(Arrays.copyOf(SOUND, length % (SOUND.length - 1)))).isEmpty();
    }

    @Provide
    Arbitrary<String> paths() {
        return Arbitraries.of("..", ".", "", "a", "b.arrow", "...", "C:", "\\", "%2e%2e", "~", "hdfs:", "\u0000", " ")
                .list()
                .ofMinSize(1)
                .ofMaxSize(5)
                .map(parts -> String.join("/", parts));
    }

    @Property(tries = 1000)
    void noNameOfAFileLeavesItsFolder(@ForAll("paths") String path) {
        String json = new String(SOUND, StandardCharsets.UTF_8)
                .replace("part/00000.arrow", path.replace("\\", "\\\\").replace("\u0000", "\\u0000"));
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        if (path.contains("\u0000")) {
            // No file has such a name.
            assertThat(read(bytes)).isEmpty();
        } else {
            read(bytes).ifPresent(UntrustedTextFuzzTest::assertInside);
        }
    }

    @Test
    void aDeepManifestIsRefusedBeforeItFillsTheStack() {
        String deep = "{\"format\":1,\"config\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        assertThat(read(deep.getBytes(StandardCharsets.UTF_8))).isEmpty();
    }

    private static void load(byte[] yaml) {
        try {
            Configs.load(Job.class, new ByteArrayInputStream(yaml), "job.yaml", List.of());
        } catch (UserException e) {
            assertThat(e).hasMessageContaining("job.yaml");
        }
    }

    @Property(tries = 1000)
    void anyBytesAreBoundOrRefused(@ForAll @Size(max = 200) byte[] bytes) {
        load(bytes);
    }

    @Property(tries = 1000)
    void aConfigurationWithAByteChangedIsBoundOrRefused(@ForAll @IntRange(max = 1000) int where, @ForAll byte value) {
        byte[] bytes = CONFIG.getBytes(StandardCharsets.UTF_8);
        bytes[where % bytes.length] = value;
        load(bytes);
    }

    @Property(tries = 1000)
    void anyOverrideIsTakenOrRefused(@ForAll("overrides") String override) {
        try {
            Configs.load(Job.class, new ByteArrayInputStream(new byte[0]), "job.yaml", List.of(override));
        } catch (UserException e) {
            assertThat(e).hasMessageContaining("job.yaml");
        }
    }

    @Provide
    Arbitrary<String> overrides() {
        return Arbitraries.strings()
                .withChars("train.steps=[]{}&*!'\"|>-: 0x1e9\n#%@")
                .ofMaxLength(40);
    }

    @Test
    void aConfigurationThatExplodesIsRefused() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 60; i++) {
            bomb.append("a%d: &a%d [%s]\n".formatted(i, i, ("*a" + (i - 1) + ", ").repeat(9)));
        }
        assertThatThrownBy(() -> Configs.load(
                        Job.class,
                        new ByteArrayInputStream(bomb.toString().getBytes(StandardCharsets.UTF_8)),
                        "job.yaml",
                        List.of()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("job.yaml");
        assertThatThrownBy(() -> Configs.load(
                        Job.class,
                        new ByteArrayInputStream("[".repeat(200_000).getBytes(StandardCharsets.UTF_8)),
                        "job.yaml",
                        List.of()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("job.yaml");
    }

    @Test
    void aConfigurationNamesNoClassToMake() {
        String attack =
                "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL [\"http://x\"]]]]";
        assertThatThrownBy(() -> Configs.load(
                        Job.class,
                        new ByteArrayInputStream(attack.getBytes(StandardCharsets.UTF_8)),
                        "job.yaml",
                        List.of()))
                .isInstanceOf(UserException.class);
    }
}
