package dev.sparkswitch.jobs;

import dev.sparkswitch.base.InternalException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Optional;

/**
 * Where SparkSwitch's own files lie: the folder in {@code SPARKSWITCH_HOME} (set by {@code bin/sparkswitch}), else the
 * folder of the jar or the one above it, if it holds {@code conf/}. What is not found there comes from inside the jar, so
 * that the jar alone is enough.
 */
final class Home {
    private final Optional<Path> folder;

    private Home(Optional<Path> folder) {
        this.folder = folder;
    }

    static Home find() {
        String variable = System.getenv("SPARKSWITCH_HOME");
        if (variable != null && !variable.isBlank()) {
            return new Home(Optional.of(Path.of(variable)));
        }
        return new Home(jar().flatMap(jar -> {
            Path beside = jar.getParent();
            for (Path candidate : new Path[] {beside, beside.getParent()}) {
                if (candidate != null && Files.isDirectory(candidate.resolve("conf"))) {
                    return Optional.of(candidate);
                }
            }
            return Optional.empty();
        }));
    }

    static Home at(Path folder) {
        return new Home(Optional.of(folder));
    }

    /** The folder, where there is one. */
    Optional<Path> folder() {
        return folder;
    }

    /** The jar that this class was loaded from; empty when it runs from a folder of classes. */
    static Optional<Path> jar() {
        CodeSource source = Home.class.getProtectionDomain().getCodeSource();
        if (source == null) {
            return Optional.empty();
        }
        try {
            Path location = Path.of(source.getLocation().toURI());
            return Files.isRegularFile(location) ? Optional.of(location) : Optional.empty();
        } catch (URISyntaxException e) {
            throw new InternalException("The jar's own location is no valid URI: " + source.getLocation(), e);
        }
    }

    /** A file under {@code conf/}, from the home folder or else from inside the jar; empty where neither has it. */
    Optional<ConfFile> conf(String name) throws IOException {
        if (folder.isPresent()) {
            Path file = folder.get().resolve("conf").resolve(name);
            if (Files.isRegularFile(file)) {
                return Optional.of(new ConfFile(file.toString(), Files.readAllBytes(file)));
            }
        }
        String resource = "/dev/sparkswitch/conf/" + name;
        try (InputStream in = Home.class.getResourceAsStream(resource)) {
            return in == null
                    ? Optional.empty()
                    : Optional.of(new ConfFile("the jar's own conf/" + name, in.readAllBytes()));
        }
    }

    /**
     * A file of configuration.
     *
     * @param origin where it came from, for messages
     * @param content its bytes
     */
    record ConfFile(String origin, byte[] content) {}
}
