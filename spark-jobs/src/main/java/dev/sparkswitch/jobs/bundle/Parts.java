package dev.sparkswitch.jobs.bundle;

import dev.sparkswitch.base.InternalException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** A stream into files of bounded size, {@code NAME.part-01} and so on, or into one file {@code NAME}. */
final class Parts extends OutputStream {
    private static final String FORM = "%s.part-%02d";

    /**
     * A finished file.
     *
     * @param file where it lies
     * @param bytes its size
     * @param sha256 its checksum in hexadecimal digits
     */
    record Part(Path file, long bytes, String sha256) {}

    private final Path folder;
    private final String name;
    private final long limit;
    private final boolean many;
    private final List<Part> finished = new ArrayList<>();
    private OutputStream out;
    private MessageDigest digest;
    private Path file;
    private long written;

    /** One file. */
    static Parts whole(Path folder, String name) {
        return new Parts(folder, name, Long.MAX_VALUE);
    }

    /** Files of {@code limit} bytes; the last may be smaller. */
    static Parts of(Path folder, String name, long limit) {
        return new Parts(folder, name, limit);
    }

    private Parts(Path folder, String name, long limit) {
        this.folder = folder;
        this.name = name;
        this.limit = limit;
        this.many = limit < Long.MAX_VALUE;
    }

    @Override
    public void write(int value) throws IOException {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        int from = offset;
        int left = length;
        while (left > 0) {
            if (out == null) {
                open();
            }
            int count = (int) Math.min(left, limit - written);
            out.write(bytes, from, count);
            digest.update(bytes, from, count);
            written += count;
            from += count;
            left -= count;
            if (written == limit) {
                finish();
            }
        }
    }

    private void open() throws IOException {
        file = folder.resolve(many ? String.format(FORM, name, finished.size() + 1) : name);
        out = Files.newOutputStream(file);
        written = 0;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new InternalException("Java has no SHA-256", e);
        }
    }

    private void finish() throws IOException {
        out.close();
        out = null;
        finished.add(new Part(file, written, HexFormat.of().formatHex(digest.digest())));
    }

    @Override
    public void close() throws IOException {
        if (out != null) {
            finish();
        }
    }

    /** The files, once closed. */
    List<Part> finished() {
        return List.copyOf(finished);
    }
}
