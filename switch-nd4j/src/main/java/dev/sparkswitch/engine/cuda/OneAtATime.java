package dev.sparkswitch.engine.cuda;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The turn of a thread, among those of this process and of others, to make a file that all of them want. Without rights to
 * write beside the file, or where the file system has no locks, turns are kept within the process alone.
 */
final class OneAtATime implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OneAtATime.class);
    private static final Map<Path, ReentrantLock> LOCKS = new ConcurrentHashMap<>();

    private final ReentrantLock lock;
    /** Holds the lock of the file system until it is closed; null without one. */
    private final FileChannel channel;

    private OneAtATime(ReentrantLock lock, FileChannel channel) {
        this.lock = lock;
        this.channel = channel;
    }

    /** Waits for the turn to make {@code file}. */
    static OneAtATime of(Path file) {
        ReentrantLock lock = LOCKS.computeIfAbsent(file.toAbsolutePath(), path -> new ReentrantLock());
        lock.lock();
        return new OneAtATime(lock, among(file));
    }

    private static FileChannel among(Path file) {
        FileChannel channel = null;
        try {
            Files.createDirectories(file.getParent());
            channel = FileChannel.open(
                    file.resolveSibling(file.getFileName() + ".lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            channel.lock();
            return channel;
        } catch (IOException e) {
            LOG.debug("other processes may make {} too: {}", file, e.toString());
            close(channel);
            return null;
        }
    }

    private static void close(FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            LOG.debug("a lock was not closed: {}", e.toString());
        }
    }

    @Override
    public void close() {
        close(channel);
        lock.unlock();
    }
}
