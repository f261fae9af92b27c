package dev.sparkswitch.tests.survive;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** The local file system, which refuses or delays the writing of some files. */
final class FaultyFiles extends FilterFileSystem {
    private Predicate<Path> full = path -> false;
    private Predicate<Path> slow = path -> false;
    private final CountDownLatch gate = new CountDownLatch(1);

    FaultyFiles() {
        super(LocalRun.local());
    }

    /** Writing such a file fails as on a full disk. */
    FaultyFiles fullFor(Predicate<Path> files) {
        full = files;
        return this;
    }

    /** Writing such a file waits until {@link #open}. */
    FaultyFiles slowFor(Predicate<Path> files) {
        slow = files;
        return this;
    }

    /** Lets the slow files be written. */
    void open() {
        gate.countDown();
    }

    @Override
    public FSDataOutputStream create(
            Path path,
            FsPermission permission,
            boolean overwrite,
            int bufferSize,
            short replication,
            long blockSize,
            Progressable progress)
            throws IOException {
        if (slow.test(path)) {
            try {
                if (!gate.await(60, TimeUnit.SECONDS)) {
                    throw new IOException("nobody opened the gate");
                }
            } catch (InterruptedException e) {
                // A writer that does not heed its end is the worse one.
                Thread.interrupted();
                return create(path, permission, overwrite, bufferSize, replication, blockSize, progress);
            }
        }
        if (full.test(path)) {
            throw new IOException("No space left on device");
        }
        return super.create(path, permission, overwrite, bufferSize, replication, blockSize, progress);
    }
}
