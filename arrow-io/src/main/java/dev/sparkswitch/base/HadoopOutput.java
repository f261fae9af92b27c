package dev.sparkswitch.base;

import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.StreamCapabilities;
import org.apache.hadoop.fs.Syncable;

/** A file of Hadoop's that is written to; what the disks of this machine report is an exception, where Hadoop has an error of its own. */
final class HadoopOutput extends OutputStream implements Syncable, StreamCapabilities {
    private final FSDataOutputStream out;

    HadoopOutput(FSDataOutputStream out) {
        this.out = out;
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void ordinary(Work work) throws IOException {
        try {
            work.run();
        } catch (FSError e) {
            throw HadoopFiles.ordinary(e);
        }
    }

    @Override
    public void write(int value) throws IOException {
        ordinary(() -> out.write(value));
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
        ordinary(() -> out.write(source, offset, length));
    }

    @Override
    public void flush() throws IOException {
        ordinary(out::flush);
    }

    @Override
    public void hflush() throws IOException {
        ordinary(out::hflush);
    }

    @Override
    public void hsync() throws IOException {
        ordinary(out::hsync);
    }

    @Override
    public boolean hasCapability(String capability) {
        return out.hasCapability(capability);
    }

    @Override
    public void close() throws IOException {
        ordinary(out::close);
    }
}
