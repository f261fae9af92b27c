package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.engine.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiles modules of kernels for one kind of card by CUDA's run-time compiler. Results are kept in a folder (system property
 * {@code sparkswitch.kernels}, by default {@code ~/.cache/sparkswitch/kernels}) under a hash of all that they depend on.
 */
final class CudaCompiler {
    private static final Logger LOG = LoggerFactory.getLogger(CudaCompiler.class);
    private static final String FOLDER = "sparkswitch.kernels";
    private static final int HASH_BYTES = 16;

    private final String architecture;
    private final String version;
    private final Path folder;

    /**
     * A compiler.
     *
     * @param capability ten times the card's major compute capability and its minor
     */
    CudaCompiler(int capability) {
        int[] major = new int[1];
        int[] minor = new int[1];
        Cuda.checkCompiler(nvrtc.nvrtcVersion(major, minor), "nvrtcVersion", "the compiler");
        this.version = major[0] + "." + minor[0];
        this.architecture = architecture(capability);
        this.folder = folder();
    }

    /** Where compiled kernels are kept, and what else was found out about a card. */
    static Path folder() {
        String named = System.getProperty(FOLDER);
        return named != null
                ? Path.of(named)
                : Path.of(System.getProperty("user.home"), ".cache", "sparkswitch", "kernels");
    }

    /** The card's own machine code; for a card younger than the compiler, the newest portable code, which its driver takes. */
    private static String architecture(int capability) {
        int[] count = new int[1];
        Cuda.checkCompiler(nvrtc.nvrtcGetNumSupportedArchs(count), "nvrtcGetNumSupportedArchs", "the compiler");
        int[] supported = new int[count[0]];
        Cuda.checkCompiler(nvrtc.nvrtcGetSupportedArchs(supported), "nvrtcGetSupportedArchs", "the compiler");
        int newest = 0;
        for (int each : supported) {
            if (each == capability) {
                return "sm_" + capability;
            }
            newest = each < capability ? Math.max(newest, each) : newest;
        }
        return "compute_" + newest;
    }

    /** The name and contents of what a module was compiled to, and whether they come from an earlier run. */
    record Binary(String file, byte[] bytes, Path kept) {}

    /** A module as the driver loads it. */
    Binary module(String module, DType compute) {
        String source = KernelSources.text(module, compute);
        String file = module + ".cu";
        Path kept = folder.resolve(module + "-" + compute.name().toLowerCase() + "-" + hash(source) + ".bin");
        Optional<byte[]> found = find(kept);
        if (found.isEmpty()) {
            try (OneAtATime turn = OneAtATime.of(kept)) {
                // Whoever had this turn before has compiled it.
                found = find(kept);
                if (found.isEmpty()) {
                    found = Optional.of(compile(file, source));
                    keep(kept, found.get());
                }
            }
        }
        return new Binary(file, found.get(), kept);
    }

    private static Optional<byte[]> find(Path kept) {
        try {
            return Files.isRegularFile(kept) ? Optional.of(Files.readAllBytes(kept)) : Optional.empty();
        } catch (IOException e) {
            LOG.warn("the compiled kernels {} cannot be read and are compiled again: {}", kept, e.toString());
            return Optional.empty();
        }
    }

    /** Compiles again what the driver refused to load, such as a file that was cut off. */
    Binary again(String module, DType compute, Binary refused) {
        byte[] bytes = compile(refused.file(), KernelSources.text(module, compute));
        keep(refused.kept(), bytes);
        return new Binary(refused.file(), bytes, refused.kept());
    }

    private static void keep(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.getParent());
            Path fresh = Files.createTempFile(file.getParent(), "fresh", ".bin");
            Files.write(fresh, bytes);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn(
                    "compiled kernels are not kept for the next run ({}): name a folder by -D{}", e.toString(), FOLDER);
        }
    }

    private String[] options() {
        return new String[] {"--gpu-architecture=" + architecture, "--std=c++17"};
    }

    private String hash(String source) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((version + String.join(" ", options()) + source).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(), 0, HASH_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new InternalException("Java has no SHA-256", e);
        }
    }

    private byte[] compile(String file, String source) {
        _nvrtcProgram program = new _nvrtcProgram();
        String[] options = options();
        try (BytePointer text = new BytePointer(source, StandardCharsets.UTF_8);
                BytePointer name = new BytePointer(file, StandardCharsets.UTF_8);
                PointerPointer<BytePointer> flags = new PointerPointer<>(options)) {
            Cuda.checkCompiler(
                    nvrtc.nvrtcCreateProgram(
                            program, text, name, 0, (PointerPointer<?>) null, (PointerPointer<?>) null),
                    "nvrtcCreateProgram",
                    file);
            try {
                int status = nvrtc.nvrtcCompileProgram(program, options.length, flags);
                if (status != 0) {
                    throw new InternalException("the kernels of " + file + " do not compile for " + architecture
                            + " with NVRTC " + version + ": " + log(program, file));
                }
                return binary(program, file);
            } finally {
                nvrtc.nvrtcDestroyProgram(program);
            }
        }
    }

    private byte[] binary(_nvrtcProgram program, String file) {
        boolean machineCode = architecture.startsWith("sm_");
        try (SizeTPointer size = new SizeTPointer(1)) {
            Cuda.checkCompiler(
                    machineCode ? nvrtc.nvrtcGetCUBINSize(program, size) : nvrtc.nvrtcGetPTXSize(program, size),
                    "the result",
                    file);
            byte[] bytes = new byte[Math.toIntExact(size.get())];
            Cuda.checkCompiler(
                    machineCode ? nvrtc.nvrtcGetCUBIN(program, bytes) : nvrtc.nvrtcGetPTX(program, bytes),
                    "the result",
                    file);
            return bytes;
        }
    }

    private static String log(_nvrtcProgram program, String file) {
        try (SizeTPointer size = new SizeTPointer(1)) {
            Cuda.checkCompiler(nvrtc.nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize", file);
            byte[] bytes = new byte[Math.toIntExact(size.get())];
            Cuda.checkCompiler(nvrtc.nvrtcGetProgramLog(program, bytes), "nvrtcGetProgramLog", file);
            return new String(bytes, StandardCharsets.UTF_8).trim();
        }
    }
}
