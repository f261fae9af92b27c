package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.SafetensorsHeader.Located;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * One safetensors file. The header is read and checked when it is opened; tensors are read when they are asked for.
 *
 * <p>No Java library for the format is published that is kept up and checks what it reads, hence this one.
 */
public final class SafetensorsReader implements TensorStore {
    private static final int LENGTH_BYTES = 8;

    private final String where;
    private final StoredFiles.Content content;
    private final SafetensorsHeader header;
    private final long dataStart;
    private final SortedMap<String, TensorInfo> tensors = new TreeMap<>();

    private SafetensorsReader(String where, StoredFiles.Content content, SafetensorsHeader header, long dataStart) {
        this.where = where;
        this.content = content;
        this.header = header;
        this.dataStart = dataStart;
        header.tensors().forEach((name, located) -> tensors.put(name, located.info()));
    }

    /**
     * Opens a file and checks its header.
     *
     * @throws UserException where it is missing or not a sound safetensors file
     * @throws ResourceException where it cannot be read
     */
    public static SafetensorsReader open(FileSystem fileSystem, Path file) {
        return open(new HadoopFolder(fileSystem, file.getParent()), file.getName());
    }

    /** Opens a file of this machine. */
    public static SafetensorsReader open(java.nio.file.Path file) {
        java.nio.file.Path absolute = file.toAbsolutePath();
        return open(
                new LocalFolder(absolute.getParent()), absolute.getFileName().toString());
    }

    /** Opens a file of a folder. */
    static SafetensorsReader open(StoredFiles files, String name) {
        String where = files.path(name);
        try {
            StoredFiles.Content content = files.open(name);
            try {
                return read(content, where);
            } catch (IOException | RuntimeException e) {
                content.close();
                throw e;
            }
        } catch (FileNotFoundException e) {
            throw new UserException("There is no file " + where + ": give the path of a safetensors file.", e);
        } catch (IOException e) {
            throw unreadable(where, e);
        }
    }

    private static SafetensorsReader read(StoredFiles.Content content, String where) throws IOException {
        long fileBytes = content.bytes();
        if (fileBytes < LENGTH_BYTES) {
            throw SafetensorsHeader.damaged(where, "it has only " + fileBytes + " bytes");
        }
        ByteBuffer length = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        content.read(0, length);
        long headerBytes = length.getLong(0);
        if (headerBytes < 0
                || headerBytes > SafetensorsHeader.MAXIMUM_BYTES
                || headerBytes > fileBytes - LENGTH_BYTES) {
            throw SafetensorsHeader.damaged(
                    where,
                    "it states a header of " + Long.toUnsignedString(headerBytes) + " bytes in a file of " + fileBytes);
        }
        byte[] json = new byte[(int) headerBytes];
        content.read(LENGTH_BYTES, ByteBuffer.wrap(json));
        long dataStart = LENGTH_BYTES + headerBytes;
        SafetensorsHeader header = SafetensorsHeader.parse(json, fileBytes - dataStart, where);
        return new SafetensorsReader(where, content, header, dataStart);
    }

    @Override
    public SortedMap<String, TensorInfo> tensors() {
        return Collections.unmodifiableSortedMap(tensors);
    }

    /** The free text that the file says of itself. */
    public SortedMap<String, String> metadata() {
        return header.metadata();
    }

    @Override
    public void read(String name, long offset, ByteBuffer into) {
        TensorInfo info = info(name);
        if (offset < 0 || offset + into.remaining() > info.bytes()) {
            throw new IllegalArgumentException(
                    into.remaining() + " bytes from " + offset + " exceed the " + info.bytes() + " of tensor " + name);
        }
        Located located = header.tensors().get(name);
        long position = dataStart + located.start() + offset;
        try {
            content.read(position, into);
        } catch (EOFException e) {
            throw new UserException(where + " was cut while it was open: tensor " + name + " is incomplete.", e);
        } catch (IOException e) {
            throw unreadable(where, e);
        }
    }

    @Override
    public String toString() {
        return where;
    }

    @Override
    public void close() {
        try {
            content.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ResourceException unreadable(String where, Throwable cause) {
        return new ResourceException(
                "Cannot read " + where + " (" + cause.getMessage() + "): check the path and your rights.", cause);
    }
}
