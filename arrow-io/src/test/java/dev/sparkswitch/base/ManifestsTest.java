package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ManifestsTest {
    enum Place {
        LOCAL,
        REMOTE;

        FileSystem fileSystem() throws IOException {
            return this == LOCAL ? FileSystem.getLocal(new Configuration()) : RemoteFileSystem.open();
        }

        Path path(java.nio.file.Path local) {
            return this == LOCAL ? new Path(local.toUri()) : RemoteFileSystem.path(local);
        }
    }

    @TempDir
    java.nio.file.Path temporary;

    @ParameterizedTest
    @EnumSource
    void manifestSurvivesTheRoundTrip(Place place) throws IOException {
        Path folder = place.path(temporary.resolve("a folder with blanks"));
        Manifest manifest = example(0.1f);

        Manifests.write(place.fileSystem(), folder, manifest);

        Manifest found = Manifests.require(place.fileSystem(), folder, Manifest.SHARDS);
        assertThat(found).isEqualTo(manifest);
        assertThat(found.id()).isEqualTo(manifest.id());
        assertThat(names(temporary.resolve("a folder with blanks"))).containsExactly("manifest.json");
    }

    @Test
    void idIgnoresTheTimeAlone() {
        Manifest m = example(0.5f);
        Manifest later = new Manifest(
                m.format(),
                m.kind(),
                m.version(),
                "2001-01-01T00:00:00Z",
                m.seed(),
                m.config(),
                m.inputs(),
                m.counts(),
                m.properties(),
                m.files());
        Manifest other = new Manifest(
                m.format(),
                m.kind(),
                m.version(),
                m.created(),
                m.seed() + 1,
                m.config(),
                m.inputs(),
                m.counts(),
                m.properties(),
                m.files());

        assertThat(later.id()).isEqualTo(m.id()).matches("sha256:[0-9a-f]{64}");
        assertThat(other.id()).isNotEqualTo(m.id());
    }

    @Test
    void idIgnoresTheOrderOfKeys() {
        ObjectNode forward = JsonNodeFactory.instance.objectNode().put("a", 1).put("b", 2);
        ObjectNode backward = JsonNodeFactory.instance.objectNode().put("b", 2).put("a", 1);

        assertThat(Manifest.builder("x").config(forward).build().id())
                .isEqualTo(Manifest.builder("x").config(backward).build().id());
    }

    @Test
    void missingManifestNamesTheCommandThatMakesIt() throws IOException {
        assertThat(Manifests.find(Place.LOCAL.fileSystem(), folder())).isEmpty();
        assertThatThrownBy(() -> Manifests.require(Place.LOCAL.fileSystem(), folder(), Manifest.SHARDS))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(folder().toString())
                .hasMessageContaining("missing or unfinished")
                .hasMessageContaining("run 'sparkswitch batch' to make it");
    }

    @Test
    void anotherKindIsNamed() throws IOException {
        Manifests.write(Place.LOCAL.fileSystem(), folder(), example(1));

        assertThatThrownBy(() -> Manifests.require(Place.LOCAL.fileSystem(), folder(), Manifest.CORPUS))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("holds a 'shards' where a 'corpus' is needed");
    }

    @ParameterizedTest
    @EnumSource
    void finishedFolderIsNeverReplaced(Place place) throws IOException {
        Path folder = place.path(temporary);
        Manifests.write(place.fileSystem(), folder, example(1));

        assertThatThrownBy(() -> Manifests.write(place.fileSystem(), folder, example(2)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("already holds a finished result");

        assertThat(Manifests.find(place.fileSystem(), folder)).contains(example(1));
        assertThat(names(temporary)).containsExactly("manifest.json");
        Manifests.remove(place.fileSystem(), folder);
        assertThat(Manifests.find(place.fileSystem(), folder)).isEmpty();
    }

    @Test
    void halfWrittenManifestIsNeverSeen() throws IOException {
        FileSystem full = FullDisk.open(10);

        assertThatThrownBy(() -> Manifests.write(full, folder(), example(1)))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("No space left on device")
                .hasMessageContaining("manifest.json");

        assertThat(Manifests.find(Place.LOCAL.fileSystem(), folder())).isEmpty();
        assertThat(names(temporary)).isEmpty();
    }

    @Test
    void damagedManifestIsAUserError() throws IOException {
        for (String text : List.of(
                "",
                "{",
                "[]",
                "{\"format\": 1}",
                "{\"format\": 1, \"format\": 1}",
                "{\"format\": 1, \"kind\": \"x\", \"version\": \"1\", \"created\": \"now\", \"seed\": \"many\"}",
                "{\"format\": 1, \"kind\": \"x\", \"version\": \"1\", \"created\": \"now\", \"seed\": 1, \"more\": 1}",
                "{\"format\": 1, \"kind\": \"x\", \"version\": \"1\", \"created\": \"now\", \"seed\": 1, \"files\":"
                        + " [{\"path\": \"../../outside\", \"bytes\": 1, \"checksum\": \"crc32c:00000000\"}]}")) {
            Files.writeString(temporary.resolve("manifest.json"), text);

            assertThatThrownBy(() -> Manifests.find(Place.LOCAL.fileSystem(), folder()))
                    .as(text)
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("manifest.json")
                    .hasMessageContaining("make the folder again");
        }
    }

    @Test
    void laterFormatIsRefused() throws IOException {
        Files.writeString(temporary.resolve("manifest.json"), "{\"format\": 2, \"news\": true}");

        assertThatThrownBy(() -> Manifests.find(Place.LOCAL.fileSystem(), folder()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("has format 2");
    }

    @ParameterizedTest
    @EnumSource
    void damagedFileIsNamed(Place place) throws IOException {
        Path folder = place.path(temporary);
        FileSystem files = place.fileSystem();
        java.nio.file.Path first = Files.writeString(temporary.resolve("first"), "one");
        java.nio.file.Path second = Files.writeString(temporary.resolve("second"), "two");
        Manifest manifest = Manifest.builder(Manifest.CORPUS)
                .file(Manifests.entry(files, folder, "first", new TreeMap<>()))
                .file(Manifests.entry(files, folder, "second", new TreeMap<>()))
                .build();
        Manifests.verify(files, folder, manifest);

        Files.writeString(second, "tw0");
        assertThatThrownBy(() -> Manifests.verify(files, folder, manifest))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("second is damaged: its checksum is crc32c:")
                .hasMessageContaining("sparkswitch prepare");
        Files.writeString(second, "tw");
        assertThatThrownBy(() -> Manifests.verify(files, folder, manifest))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("second is damaged: it has 2 bytes instead of 3");
        Files.delete(first);
        assertThatThrownBy(() -> Manifests.verify(files, folder, manifest))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("first is damaged: it is missing");
    }

    /** The check value of CRC-32C in the catalogue of parametrised CRC algorithms. */
    @Test
    void checksumIsCrc32c() throws IOException {
        byte[] digits = "123456789".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertThat(Checksums.of(new java.io.ByteArrayInputStream(digits))).isEqualTo("crc32c:e3069283");
        assertThat(Checksums.of(java.nio.ByteBuffer.wrap(digits))).isEqualTo("crc32c:e3069283");
        try (ChecksumOutputStream out = new ChecksumOutputStream(OutputStream.nullOutputStream())) {
            out.write(digits, 0, 4);
            out.write(digits[4]);
            out.write(digits, 5, 4);
            assertThat(out.checksum()).isEqualTo("crc32c:e3069283");
            assertThat(out.bytes()).isEqualTo(9);
        }
    }

    private Path folder() {
        return Place.LOCAL.path(temporary);
    }

    private static Manifest example(float rate) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("steps", 300L)
                .put("rate", rate)
                .put("small", 1e-30)
                .putObject("nested")
                .putArray("list")
                .add(1)
                .add("x");
        SortedMap<String, Long> counts = new TreeMap<>();
        counts.put("rows", 7L);
        return new Manifest(
                Manifest.FORMAT,
                Manifest.SHARDS,
                "0.1",
                "2000-01-01T00:00:00Z",
                -5,
                config,
                List.of(new Manifest.Input("vocabulary", "/somewhere", "sha256:00")),
                counts,
                new TreeMap<>(),
                List.of(new Manifest.Entry("data/part 0.arrow", 12, "crc32c:0123abcd", counts)));
    }

    private static List<String> names(java.nio.file.Path folder) throws IOException {
        try (Stream<java.nio.file.Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
