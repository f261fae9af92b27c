package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The algorithms of products that timing has chosen, for later runs and other ranks of this machine: a file a shape, so that
 * nobody overwrites what another has found. A file that is damaged counts as none.
 */
final class KeptAlgorithms {
    /** Words of a cublasLtMatmulAlgo_t, which may be kept for the same version of the library. */
    static final int WORDS = 8;

    /** A choice is taken instead of the library's first if it needs less than this share of its time. */
    private static final double WORTH = 0.97;

    private static final Logger LOG = LoggerFactory.getLogger(KeptAlgorithms.class);
    private static final int HASH_BYTES = 16;
    private static final int HEXADECIMAL = 16;

    private final Path folder;
    private final String machine;

    /**
     * Those of a machine.
     *
     * @param folder where they are kept
     * @param machine the card and the library's version
     */
    KeptAlgorithms(Path folder, String machine) {
        this.folder = folder;
        this.machine = machine;
    }

    /** The words of the algorithm for a shape. */
    Optional<long[]> find(String shape) {
        Path file = file(shape);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
            if (lines.size() == 3
                    && lines.get(0).equals(machine)
                    && lines.get(1).equals(shape)) {
                return Optional.of(words(lines.get(2)));
            }
        } catch (IOException | IllegalArgumentException e) {
            LOG.warn("the choice of an algorithm in {} cannot be read and is made again: {}", file, e.toString());
            return Optional.empty();
        }
        LOG.warn("the choice of an algorithm in {} is damaged and is made again", file);
        return Optional.empty();
    }

    private static long[] words(String line) {
        String[] parts = line.split(" ");
        if (parts.length != WORDS) {
            throw new IllegalArgumentException("not " + WORDS + " words");
        }
        long[] words = new long[WORDS];
        for (int i = 0; i < WORDS; i++) {
            if (parts[i].length() != HEXADECIMAL) {
                throw new IllegalArgumentException("a word of " + parts[i].length() + " digits");
            }
            words[i] = Long.parseUnsignedLong(parts[i], HEXADECIMAL);
        }
        return words;
    }

    /**
     * Keeps a choice; where another rank has kept one meanwhile, it is that which holds.
     *
     * @return the choice that holds; empty where none can be kept
     */
    Optional<long[]> keep(String shape, long[] words) {
        Optional<long[]> other = find(shape);
        if (other.isPresent()) {
            return other;
        }
        StringBuilder text =
                new StringBuilder(machine).append('\n').append(shape).append('\n');
        for (int i = 0; i < WORDS; i++) {
            text.append(i == 0 ? "" : " ").append(HexFormat.of().toHexDigits(words[i]));
        }
        Path file = file(shape);
        try {
            Files.createDirectories(folder);
            Path fresh = Files.createTempFile(folder, "fresh", ".txt");
            Files.writeString(fresh, text.append('\n'));
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return Optional.of(words);
        } catch (IOException e) {
            LOG.warn("choices of algorithms cannot be kept in {} and are left to cuBLASLt: {}", folder, e.toString());
            return Optional.empty();
        }
    }

    private Path file(String shape) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] hash = digest.digest((machine + '\n' + shape).getBytes(StandardCharsets.UTF_8));
            return folder.resolve("product-" + HexFormat.of().formatHex(hash, 0, HASH_BYTES) + ".txt");
        } catch (NoSuchAlgorithmException e) {
            throw new InternalException("Java has no SHA-256", e);
        }
    }

    /**
     * Which of several to take.
     *
     * @param seconds by algorithm, the library's first choice first, and by round; infinite where it does not run
     */
    static int best(double[][] seconds) {
        int best = 0;
        double[] medians = new double[seconds.length];
        for (int i = 0; i < seconds.length; i++) {
            double[] sorted = seconds[i].clone();
            Arrays.sort(sorted);
            medians[i] = sorted[sorted.length / 2];
            best = medians[i] < medians[best] ? i : best;
        }
        return medians[best] < WORTH * medians[0] ? best : 0;
    }
}
