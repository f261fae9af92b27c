package dev.sparkswitch.corpus;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.junit.jupiter.api.Assumptions;

/**
 * Golden files that may not be shipped. Their root is the system property {@value #ROOT}; it holds their folders, or
 * {@code data.tar.xz} with them. Tests that need one are skipped where it is missing.
 */
public final class Fixtures {
    private static final String ROOT = "sparkswitch.fixtures";
    private static final String ARCHIVE = "data.tar.xz";

    private Fixtures() {}

    /** The bytes of {@code path}, such as {@code tokenizer/spiece.model}. */
    public static byte[] bytes(String path) {
        String property = System.getProperty(ROOT);
        Assumptions.assumeTrue(property != null, () -> path + " is not looked for: no -D" + ROOT + " was given");
        Path root = Path.of(property);
        try {
            if (Files.exists(root.resolve(path))) {
                return Files.readAllBytes(root.resolve(path));
            }
            Path archive = root.resolve(ARCHIVE);
            Assumptions.assumeTrue(Files.exists(archive), () -> root + " holds neither " + path + " nor " + ARCHIVE);
            return fromArchive(archive, path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] fromArchive(Path archive, String path) throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(archive));
                TarArchiveInputStream tar = new TarArchiveInputStream(new XZCompressorInputStream(file))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (entry.getName().replaceFirst("^\\./", "").equals(path)) {
                    return tar.readAllBytes();
                }
            }
        }
        return Assumptions.abort(archive + " does not hold " + path);
    }
}
