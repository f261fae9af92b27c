package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.HadoopFiles;
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
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
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
    private final FSDataInputStream in;
    private final SafetensorsHeader header;
    private final long dataStart;
    private final SortedMap<String, TensorInfo> tensors = new TreeMap<>();

    private SafetensorsReader(String where, FSDataInputStream in, SafetensorsHeader header, long dataStart) {
        this.where = where;
        this.in = in;
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
        FileSystem files = HadoopFiles.raw(fileSystem);
        String where = file.toString();
        try {
            FileStatus status = files.getFileStatus(file);
            if (status.isDirectory()) {
                throw new UserException(where + " is a folder where a safetensors file was expected.");
            }
            FSDataInputStream in = files.open(file);
            try {
                return open(in, status.getLen(), where);
            } catch (IOException | RuntimeException e) {
                in.close();
                throw e;
            }
        } catch (FileNotFoundException e) {
            throw new UserException("There is no file " + where + ": give the path of a safetensors file.", e);
        } catch (IOException | FSError e) {
            throw unreadable(where, e);
        }
    }

    /** Opens a file of this machine. */
    public static SafetensorsReader open(java.nio.file.Path file) {
        try {
            return open(FileSystem.getLocal(new Configuration(false)), new Path(file.toUri()));
        } catch (IOException | FSError e) {
            throw unreadable(file.toString(), e);
        }
    }

    private static SafetensorsReader open(FSDataInputStream in, long fileBytes, String where) throws IOException {
        if (fileBytes < LENGTH_BYTES) {
            throw SafetensorsHeader.damaged(where, "it has only " + fileBytes + " bytes");
        }
        byte[] length = new byte[LENGTH_BYTES];
        in.readFully(0, length);
        long headerBytes =
                ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (headerBytes < 0
                || headerBytes > SafetensorsHeader.MAXIMUM_BYTES
                || headerBytes > fileBytes - LENGTH_BYTES) {
            throw SafetensorsHeader.damaged(
                    where,
                    "it states a header of " + Long.toUnsignedString(headerBytes) + " bytes in a file of " + fileBytes);
        }
        byte[] json = new byte[(int) headerBytes];
        in.readFully(LENGTH_BYTES, json);
        long dataStart = LENGTH_BYTES + headerBytes;
        return new SafetensorsReader(where, in, SafetensorsHeader.parse(json, fileBytes - dataStart, where), dataStart);
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
            readFully(position, into);
        } catch (EOFException e) {
            throw new UserException(where + " was cut while it was open: tensor " + name + " is incomplete.", e);
        } catch (IOException | FSError e) {
            throw unreadable(where, e);
        }
    }

    private void readFully(long start, ByteBuffer into) throws IOException {
        if (into.hasArray()) {
            in.readFully(start, into.array(), into.arrayOffset() + into.position(), into.remaining());
            into.position(into.limit());
            return;
        }
        byte[] piece = new byte[Math.min(Chunks.BYTES, into.remaining())];
        for (long position = start; into.hasRemaining(); ) {
            int length = Math.min(piece.length, into.remaining());
            in.readFully(position, piece, 0, length);
            into.put(piece, 0, length);
            position += length;
        }
    }

    @Override
    public String toString() {
        return where;
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ResourceException unreadable(String where, Throwable cause) {
        return new ResourceException(
                "Cannot read " + where + " (" + cause.getMessage() + "): check the path and your rights.", cause);
    }
}
