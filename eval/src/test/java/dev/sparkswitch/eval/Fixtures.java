package dev.sparkswitch.eval;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/**
 * The golden data under the root in system property {@code sparkswitch.fixtures}: folders {@code metrics/ squad/
 * superglue/ xsum/ wmt/}, or {@code data.tar.xz} holding them. It is not part of the project, so tests that need it are
 * skipped without it.
 */
public final class Fixtures {
    private static Path data;

    private Fixtures() {}

    /** The folder that holds {@code metrics/} and its siblings; skips the calling test where there is none. */
    public static synchronized Path data() {
        if (data == null) {
            Path root = root();
            assumeTrue(root != null, "no golden data: system property sparkswitch.fixtures names no folder");
            Path archive = root.resolve("data.tar.xz");
            boolean unpacked = Files.isDirectory(root.resolve("metrics"));
            assumeTrue(
                    unpacked || Files.isRegularFile(archive),
                    "no golden data: neither metrics/ nor data.tar.xz in " + root);
            data = unpacked ? root : unpack(archive);
        }
        return data;
    }

    private static Path root() {
        String property = System.getProperty("sparkswitch.fixtures");
        if (property == null) {
            return null;
        }
        // Maven names paths from the project's folder, while tests run in the module's.
        for (Path base : List.of(Path.of(""), Path.of(".."))) {
            Path root = base.resolve(property).toAbsolutePath().normalize();
            if (Files.isDirectory(root)) {
                return root;
            }
        }
        return null;
    }

    private static Path unpack(Path archive) {
        try {
            Path folder = Files.createTempDirectory("sparkswitch-fixtures");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
            try (InputStream file = Files.newInputStream(archive);
                    TarArchiveInputStream tar = new TarArchiveInputStream(new XZCompressorInputStream(file))) {
                for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                    Path target = folder.resolve(entry.getName()).normalize();
                    if (entry.isFile() && target.startsWith(folder)) {
                        Files.createDirectories(target.getParent());
                        Files.copy(tar, target);
                    }
                }
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder())
                    .forEach(path -> path.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files of a folder by pattern, sorted; none where the folder is missing. */
    public static List<Path> files(Path folder, String pattern) throws IOException {
        List<Path> files = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, pattern)) {
                found.forEach(files::add);
            }
        }
        files.sort(Comparator.naturalOrder());
        return files;
    }
}
