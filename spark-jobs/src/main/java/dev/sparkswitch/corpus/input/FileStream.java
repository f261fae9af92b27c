package dev.sparkswitch.corpus.input;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.ChecksumException;

/**
 * A file's bytes as its file system gives them. Tells a file system that fails, which may do better when it is asked again, from
 * bytes that make no sense to those who read them from here.
 */
final class FileStream extends FilterInputStream {
    private boolean failed;

    FileStream(InputStream file) {
        super(file);
    }

    /** Whether the file system failed. */
    boolean hasFailed() {
        return failed;
    }

    @Override
    public int read() throws IOException {
        try {
            return in.read();
        } catch (IOException e) {
            throw noted(e);
        }
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        try {
            return in.read(bytes, offset, length);
        } catch (IOException e) {
            throw noted(e);
        }
    }

    private IOException noted(IOException e) {
        failed = !(e instanceof ChecksumException);
        return e;
    }
}
