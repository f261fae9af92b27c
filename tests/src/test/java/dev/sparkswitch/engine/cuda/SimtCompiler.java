package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Builds the emulated card's libraries with the machine's C++ compiler, once per text, under {@code target/simt}. */
final class SimtCompiler {
    private static final Path FOLDER = Path.of("target", "simt");
    private static final List<String> OPTIONS =
            List.of("-O2", "-std=c++17", "-shared", "-fPIC", "-Wall", "-Wno-unknown-pragmas", "-Wno-unused-function");
    private static final Pattern KERNEL =
            Pattern.compile("extern\\s+\"C\"\\s+__global__\\s+(?:__launch_bounds__\\([^)]*\\)\\s*)?void\\s+"
                    + "(?:__launch_bounds__\\([^)]*\\)\\s*)?(\\w+)\\s*\\(");

    private SimtCompiler() {}

    /** Why nothing can be built here; empty where it can. */
    static Optional<String> missing() {
        if (Stream.of(System.getenv("PATH").split(":"))
                .noneMatch(folder -> Files.isExecutable(Path.of(folder, "g++")))) {
            return Optional.of("g++ is not installed: the emulated CUDA card is left out");
        }
        Path header = javaHeaders().resolve("jni.h");
        return Files.exists(header)
                ? Optional.empty()
                : Optional.of("there is no " + header + ": the emulated CUDA card is left out");
    }

    private static Path javaHeaders() {
        return Path.of(System.getProperty("java.home"), "include");
    }

    /** The library of {@link SimtHost}. */
    static Path host() {
        return build("host", resource("simt-host.cpp"));
    }

    /** The library of a module. */
    static Path module(String module, DType compute) {
        String kernels = KernelSources.text(module, compute);
        return build(module + "-" + compute.name().toLowerCase(), unit(kernels));
    }

    /** A text of kernels, the emulation around it and an entry for each kernel. */
    private static String unit(String kernels) {
        StringBuilder text = new StringBuilder("#define SIMT_EMULATOR 1\n#line 1 \"simt.h\"\n");
        text.append(resource("simt.h").replace("#pragma once\n", "\n"))
                .append('\n')
                .append(kernels);
        text.append("\n#line 1 \"registrations\"\n");
        Matcher matcher = KERNEL.matcher(kernels);
        while (matcher.find()) {
            String name = matcher.group(1);
            text.append(String.format(
                    "static auto registration_%s = simt::registration(\"%s\", &%s);%n", name, name, name));
        }
        return text.append("#line 1 \"simt.cpp\"\n")
                .append(resource("simt.cpp"))
                .toString();
    }

    private static String resource(String name) {
        try (InputStream in = SimtCompiler.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static synchronized Path build(String name, String text) {
        try {
            Files.createDirectories(FOLDER);
            Path library =
                    FOLDER.resolve(name + "-" + hash(text + OPTIONS) + ".so").toAbsolutePath();
            if (!Files.exists(library)) {
                Path source = FOLDER.resolve(name + ".cpp");
                Files.writeString(source, text);
                Path fresh = Files.createTempFile(FOLDER, name, ".so");
                compile(source, fresh);
                Files.move(fresh, library, StandardCopyOption.ATOMIC_MOVE);
            }
            return library;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void compile(Path source, Path library) throws IOException {
        List<String> command = new ArrayList<>(List.of("g++"));
        command.addAll(OPTIONS);
        Path headers = javaHeaders();
        command.addAll(
                List.of("-I", headers.toString(), "-I", headers.resolve("linux").toString()));
        command.addAll(List.of("-o", library.toString(), source.toString(), "-ldl"));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IllegalStateException("g++ refuses " + source + ":\n" + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while building " + source, e);
        }
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
