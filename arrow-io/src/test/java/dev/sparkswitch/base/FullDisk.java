package dev.sparkswitch.base;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/** The local disk with room for a few bytes a file. */
public final class FullDisk extends RawLocalFileSystem {
    private final int room;

    private FullDisk(int room) {
        this.room = room;
    }

    /** A disk that takes {@code room} bytes of a file and no more. */
    public static FileSystem open(int room) throws IOException {
        FullDisk disk = new FullDisk(room);
        disk.initialize(URI.create("file:///"), new Configuration());
        return disk;
    }

    @Override
    public FSDataOutputStream create(
            Path file, boolean overwrite, int bufferSize, short replication, long blockSize, Progressable progress)
            throws IOException {
        return new FSDataOutputStream(
                new FilterOutputStream(super.create(file, overwrite, bufferSize, replication, blockSize, progress)) {
                    private int left = room;

                    @Override
                    public void write(int value) throws IOException {
                        if (left-- <= 0) {
                            throw new IOException("No space left on device");
                        }
                        super.write(value);
                    }
                },
                null);
    }
}
