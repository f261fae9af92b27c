package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HadoopFilesTest {
    private final FileSystem files;

    @TempDir
    java.nio.file.Path folder;

    HadoopFilesTest() throws IOException {
        files = HadoopFiles.raw(FileSystem.getLocal(new Configuration()));
    }

    @Test
    void aFullDiskIsAnException() {
        java.nio.file.Path full = java.nio.file.Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "skipped: this system has no /dev/full");
        assertThatThrownBy(() -> {
                    try (OutputStream out = HadoopFiles.create(files, new Path(full.toString()))) {
                        out.write(new byte[1 << 16]);
                    }
                })
                .isInstanceOf(IOException.class)
                .hasMessageContaining("No space left on device");
    }

    @Test
    void whatIsWrittenIsThereAndMayBeForcedToTheDisk() throws IOException {
        java.nio.file.Path file = folder.resolve("file");
        try (ChecksumOutputStream out = new ChecksumOutputStream(HadoopFiles.create(files, path(file)))) {
            out.write("tex".getBytes(StandardCharsets.UTF_8));
            out.write('t');
            out.sync();
            assertThat(file).hasContent("text");
        }
        try (var out = HadoopFiles.create(files, path(file))) {
            assertThat(out.hasCapability(StreamCapabilities.HSYNC)).isTrue();
        }
        assertThat(file).isEmptyFile();
        assertThatThrownBy(() -> HadoopFiles.createNew(files, path(file)))
                .isInstanceOfAny(
                        org.apache.hadoop.fs.FileAlreadyExistsException.class, FileAlreadyExistsException.class);
    }

    private static Path path(java.nio.file.Path file) {
        return new Path(file.toUri());
    }
}
