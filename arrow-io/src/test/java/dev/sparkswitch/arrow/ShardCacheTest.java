package dev.sparkswitch.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.RemoteFileSystem;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardCacheTest {
    private static final ShardLayout LAYOUT = new ShardLayout(5, 3, Packing.NONE);

    @TempDir
    java.nio.file.Path temporary;

    private Path box;
    private Manifest manifest;

    @BeforeEach
    void writeThreeRemoteShards() throws IOException {
        box = RemoteFileSystem.path(temporary.resolve("box"));
        manifest = Box.write(box, LAYOUT, 2, List.of(4, 4, 4));
    }

    @Test
    void remoteShardsAreCopiedAndReadFromTheirCopies() throws IOException {
        try (ShardSource source = open(cache(1 << 20))) {
            readAll(source);
        }
        assertThat(copies()).hasSize(3);

        for (int shard = 0; shard < 3; shard++) {
            Files.delete(original(shard));
        }
        try (ShardSource source = open(cache(1 << 20))) {
            readAll(source);
        }
    }

    @Test
    void theNextShardIsFetchedWhileOneIsRead() throws IOException {
        try (ShardSource source = open(cache(1 << 20));
                TokenBatch batch = source.read(0, 1)) {
            assertThat(batch.rows()).isEqualTo(1);
            long deadline = System.nanoTime() + 60_000_000_000L;
            while (copies().stream().noneMatch(name -> name.contains("part-00001"))) {
                assertThat(System.nanoTime())
                        .as("seconds without the next shard")
                        .isLessThan(deadline);
                Thread.onSpinWait();
            }
            assertThat(copies()).noneMatch(name -> name.contains("part-00002"));
        }
    }

    @Test
    void damagedCopyIsMadeAgain() throws IOException {
        ShardCache cache = cache(1 << 20);
        try (ShardSource source = open(cache)) {
            readAll(source);
        }
        java.nio.file.Path copy = cache.place(manifest, manifest.files().get(1));
        byte[] bytes = Files.readAllBytes(copy);
        bytes[bytes.length / 2] ^= 1;
        Files.write(copy, bytes);

        try (ShardSource source = open(cache)) {
            readAll(source);
        }
        assertThat(copy).hasSameBinaryContentAs(original(1));
    }

    @Test
    void damagedOriginalIsNamedAndLeavesNoCopy() throws IOException {
        byte[] bytes = Files.readAllBytes(original(1));
        bytes[bytes.length / 2] ^= 1;
        Files.write(original(1), bytes);
        try (ShardSource source = open(cache(1 << 20))) {
            assertThatThrownBy(() -> readAll(source))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining(box + "/data/part-00001.arrow is damaged: its checksum is crc32c:");
        }
        assertThat(copies()).noneMatch(name -> name.contains("part-00001"));

        Files.write(original(1), java.util.Arrays.copyOf(bytes, bytes.length + 1_000_000));
        try (ShardSource source = open(cache(1 << 20))) {
            assertThatThrownBy(() -> readAll(source)).hasMessageContaining("it has more bytes instead of");
        }
        Files.delete(original(1));
        try (ShardSource source = open(cache(1 << 20))) {
            assertThatThrownBy(() -> readAll(source))
                    .hasMessageContaining("part-00001.arrow is damaged: it is missing");
        }
    }

    @Test
    void leastRecentlyUsedCopiesMakeRoom() throws IOException {
        long two = manifest.files().get(0).bytes() + manifest.files().get(1).bytes();
        try (ShardSource source = open(cache(two + 10))) {
            readAll(source);
            readAll(source);
        }
        assertThat(copies()).hasSizeBetween(1, 2);
    }

    @Test
    void tooSmallALimitIsNamed() {
        try (ShardSource source = open(cache(100))) {
            assertThatThrownBy(() -> readAll(source))
                    .isInstanceOf(ResourceException.class)
                    .hasMessageContaining("more than the 100B that the cache");
        }
    }

    private void readAll(ShardSource source) {
        try (TokenBatch batch = source.read(0, 12)) {
            for (int row = 0; row < 12; row++) {
                assertThat(batch.inputs().get(row * 5))
                        .isEqualTo(Box.inputs(LAYOUT, row).get(0)[0]);
            }
        }
    }

    private ShardSource open(ShardCache cache) {
        return ShardSource.open(Box.CONFIGURATION, box, cache, Checks.CHECKSUMS);
    }

    private ShardCache cache(long bytes) {
        return new ShardCache(temporary.resolve("cache"), new DataSize(bytes));
    }

    private java.nio.file.Path original(int shard) {
        return temporary.resolve("box").resolve(manifest.files().get(shard).path());
    }

    private List<String> copies() throws IOException {
        List<String> names = new ArrayList<>();
        Files.walkFileTree(temporary.resolve("cache"), new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(java.nio.file.Path file, BasicFileAttributes attributes) {
                names.add(file.getFileName().toString());
                return FileVisitResult.CONTINUE;
            }

            /** A copy in the making gets its name while somebody looks. */
            @Override
            public FileVisitResult visitFileFailed(java.nio.file.Path file, IOException gone) {
                return FileVisitResult.CONTINUE;
            }
        });
        return names;
    }
}
