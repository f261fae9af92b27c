package dev.sparkswitch.base;

import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.StreamCapabilities;
import org.apache.hadoop.fs.Syncable;

/** Passes bytes on while it counts them and computes their CRC32C. Closing it closes the stream below. */
public final class ChecksumOutputStream extends OutputStream {
    private final OutputStream out;
    private final CRC32C crc = new CRC32C();
    private long bytes;

    public ChecksumOutputStream(OutputStream out) {
        this.out = out;
    }

    /** The number of bytes written so far. */
    public long bytes() {
        return bytes;
    }

    /** The checksum of the bytes written so far, in the form of {@link Manifest.Entry#checksum}. */
    public String checksum() {
        return Checksums.text(crc);
    }

    @Override
    public void write(int value) throws IOException {
        out.write(value);
        crc.update(value);
        bytes++;
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
        out.write(source, offset, length);
        crc.update(source, offset, length);
        bytes += length;
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    /** Forces what was written to the disk, where the stream below can: a manifest must not outlive the files it names. */
    public void sync() throws IOException {
        out.flush();
        if (out instanceof Syncable syncable
                && out instanceof StreamCapabilities capabilities
                && capabilities.hasCapability(StreamCapabilities.HSYNC)) {
            syncable.hsync();
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
