package dev.sparkswitch.tests;

import java.nio.file.Files;
import java.nio.file.Path;

/** The folder of the whole project, seen from a test of this module. */
public final class ProjectFolder {
    private ProjectFolder() {}

    /** The folder. */
    public static Path path() {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.isDirectory(folder.resolve("spark-jobs"))) {
            folder = folder.getParent();
        }
        if (folder == null) {
            throw new AssertionError(
                    "The tests run outside the project: " + Path.of("").toAbsolutePath());
        }
        return folder;
    }
}
