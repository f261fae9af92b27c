package dev.sparkswitch.tests.parity;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The golden cases under {@code -Dsparkswitch.fixtures}, by default the project's own copies. */
public final class Fixtures {
    private Fixtures() {}

    /** The folder of the cases. */
    public static Path root() {
        return Path.of(System.getProperty("sparkswitch.fixtures", "src/test/resources/fixtures"));
    }

    /** Every folder under {@code hf/} that holds a file of that name, by name. */
    static List<Path> cases(String file) {
        try (Stream<Path> folders = Files.list(root().resolve("hf"))) {
            return folders.filter(folder -> Files.exists(folder.resolve(file)))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("no cases under " + root().toAbsolutePath() + "/hf", e);
        }
    }
}
