package dev.sparkswitch.jobs.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PartsTest {
    @TempDir
    private Path folder;

    @Test
    void partsJoinedAreWhatWasWritten() throws IOException {
        byte[] content = new byte[1000];
        for (int i = 0; i < content.length; i++) {
            content[i] = (byte) (i * 7);
        }
        Parts parts = Parts.of(folder, "archive", 300);
        try (parts) {
            parts.write(content, 0, 1);
            parts.write(content[1]);
            parts.write(content, 2, 298);
            parts.write(content, 300, 700);
        }

        assertThat(parts.finished()).extracting(Parts.Part::bytes).containsExactly(300L, 300L, 300L, 100L);
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (Parts.Part part : parts.finished()) {
            joined.write(Files.readAllBytes(part.file()));
        }
        assertThat(joined.toByteArray()).isEqualTo(content);
    }

    @Test
    void theChecksumIsSha256() throws IOException {
        Parts parts = Parts.whole(folder, "archive");
        try (parts) {
            parts.write("abc".getBytes());
        }

        // FIPS 180-2, appendix B.1
        assertThat(parts.finished())
                .containsExactly(new Parts.Part(
                        folder.resolve("archive"),
                        3,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    }

    @Test
    void aLastPartThatIsFullIsNotFollowedByAnEmptyOne() throws IOException {
        Parts parts = Parts.of(folder, "archive", 4);
        try (parts) {
            parts.write(Arrays.copyOf(new byte[0], 8));
        }

        assertThat(parts.finished())
                .extracting(part -> part.file().getFileName().toString())
                .containsExactly("archive.part-01", "archive.part-02");
    }
}
