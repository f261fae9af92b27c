package dev.sparkswitch.jobs.bundle;

import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.UserException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorOutputStream;

/**
 * An archive that runs SparkSwitch's own commands on a bare host of this platform: a Java runtime, our jar, the few libraries
 * that it needs without Spark, the configuration and a script. The host needs a shell, tar and xz.
 */
public final class Bundle {
    private static final String FOLDER = "sparkswitch";
    private static final String CHECKSUMS = "SHA256SUMS";
    private static final String JOIN = "join.sh";
    private static final String INDEX = "META-INF/INDEX.LIST";
    /** The script that a host with several cards is measured by. */
    private static final String SCALING = "scaling-on-cards";

    private static final int EXECUTABLE = 0755;
    private static final int PLAIN = 0644;
    private static final long MIB = 1 << 20;

    private final BundleConfig config;
    private final Path home;
    private final Path jar;
    private final Contents contents;
    private final Path output;

    private Bundle(BundleConfig config, Path home, Path jar) {
        this.config = config;
        this.home = home;
        this.jar = jar;
        this.contents = Contents.of(config);
        this.output = Path.of(config.output()).toAbsolutePath().normalize();
    }

    /**
     * What came of it.
     *
     * @param folder holds the files
     * @param files the archive or its parts
     * @param bytes of all of them
     */
    public record Made(Path folder, List<Path> files, long bytes) {}

    /**
     * Makes the bundle.
     *
     * @param home the folder of a built checkout
     * @param jar the jar with our classes and libraries
     * @throws UserException where the output folder holds other files
     * @throws dev.sparkswitch.base.ResourceException where this Java is no full JDK
     */
    public static Made run(BundleConfig config, Path home, Path jar) throws IOException {
        return new Bundle(config, home, jar).make();
    }

    private Made make() throws IOException {
        prepareOutput();
        Path work = Files.createTempDirectory(output, ".work");
        try {
            Path folder = Files.createDirectory(work.resolve(FOLDER));
            gather(folder);
            List<Parts.Part> parts = pack(folder);
            StringBuilder checksums = new StringBuilder();
            for (Parts.Part part : parts) {
                checksums
                        .append(part.sha256())
                        .append("  ")
                        .append(part.file().getFileName())
                        .append('\n');
            }
            Files.writeString(output.resolve(CHECKSUMS), checksums);
            writeScript("join.sh", output.resolve(JOIN));
            return new Made(
                    output,
                    parts.stream().map(Parts.Part::file).toList(),
                    parts.stream().mapToLong(Parts.Part::bytes).sum());
        } finally {
            delete(work);
        }
    }

    /** An earlier bundle is replaced; a folder with anything else in it is left alone. */
    private void prepareOutput() throws IOException {
        Files.createDirectories(output);
        List<Path> old;
        try (Stream<Path> files = Files.list(output)) {
            old = files.toList();
        }
        for (Path file : old) {
            String name = file.getFileName().toString();
            if (!name.equals(CHECKSUMS)
                    && !name.equals(JOIN)
                    && !name.startsWith(".work")
                    && !name.matches("sparkswitch-.*\\.tar\\.xz(\\.part-\\d+)?")) {
                throw new UserException("The folder " + output + " holds " + name
                        + ", which is no part of a bundle: set output to a folder of its own.");
            }
        }
        for (Path file : old) {
            delete(file);
        }
    }

    private void gather(Path folder) throws IOException {
        JavaRuntime.link(contents.modules(), folder.resolve("runtime"));
        Path lib = Files.createDirectory(folder.resolve("lib"));
        StoredJar.copy(jar, lib.resolve("sparkswitch.jar"), contents::wants);
        Path jars = home.resolve("target/spark-home/jars");
        for (String library : contents.libraries()) {
            Path found = library(jars, library);
            // An index would name jars that are left out here, and classes that it lists there count as missing.
            StoredJar.copy(found, lib.resolve(found.getFileName()), name -> !name.equals(INDEX));
        }
        // Spark's own logging needs a quarter more of a Java runtime.
        StoredJar.copy(home.resolve("target/bundle/slf4j-simple.jar"), lib.resolve("slf4j-simple.jar"), name -> true);
        copyFolder(home.resolve("conf"), folder.resolve("conf"));
        Path bin = Files.createDirectory(folder.resolve("bin"));
        writeScript("sparkswitch.sh", bin.resolve("sparkswitch"));
        Files.copy(home.resolve("bin").resolve(SCALING), bin.resolve(SCALING), StandardCopyOption.COPY_ATTRIBUTES);
    }

    private static Path library(Path jars, String name) throws IOException {
        try (Stream<Path> files = Files.list(jars)) {
            return files.filter(file -> file.getFileName().toString().matches(name + "-\\d[^-]*\\.jar"))
                    .findFirst()
                    .orElseThrow(() -> new InternalException("There is no " + name + " in " + jars));
        }
    }

    private static void writeScript(String resource, Path target) throws IOException {
        try (InputStream in = Bundle.class.getResourceAsStream(resource)) {
            Files.copy(in, target);
        }
        if (!target.toFile().setExecutable(true, false)) {
            throw new IOException(target + " cannot be made executable");
        }
    }

    private List<Parts.Part> pack(Path folder) throws IOException {
        String name = FOLDER + "-" + Build.version() + "-linux-x86_64.tar.xz";
        Parts parts = config.partSize()
                .map(size -> Parts.of(output, name, size.bytes()))
                .orElseGet(() -> Parts.whole(output, name));
        List<Path> files = files(folder);
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        try (parts;
                Progress progress = Progress.start("bundle", "MiB", bytes / MIB);
                OutputStream compressed =
                        new XZCompressorOutputStream(new BufferedOutputStream(parts), config.compression());
                TarArchiveOutputStream tar = new TarArchiveOutputStream(compressed, StandardCharsets.UTF_8.name())) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            long done = 0;
            for (Path file : files) {
                add(tar, folder.getParent(), file);
                done += Files.size(file);
                progress.at(done / MIB);
            }
        }
        return parts.finished();
    }

    private static void add(TarArchiveOutputStream tar, Path root, Path file) throws IOException {
        // No owner: that of this host means nothing on the other.
        TarArchiveEntry entry = new TarArchiveEntry(root.relativize(file).toString());
        entry.setSize(Files.size(file));
        entry.setMode(Files.isExecutable(file) ? EXECUTABLE : PLAIN);
        entry.setModTime(Files.getLastModifiedTime(file));
        tar.putArchiveEntry(entry);
        Files.copy(file, tar);
        tar.closeArchiveEntry();
    }

    /** All files below a folder, in the order of their names; what links lead to in place of the links. */
    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> list = new ArrayList<>(files.filter(Files::isRegularFile).toList());
            list.sort(Comparator.naturalOrder());
            return list;
        }
    }

    private static void copyFolder(Path from, Path to) throws IOException {
        for (Path file : files(from)) {
            Path target = to.resolve(from.relativize(file).toString());
            Files.createDirectories(target.getParent());
            Files.copy(file, target, StandardCopyOption.COPY_ATTRIBUTES);
        }
    }

    private static void delete(Path path) throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
