package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.UserException;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A folder of this machine. */
record LocalFolder(Path folder) implements StoredFiles {
    @Override
    public boolean holds(String name) {
        return Files.exists(folder.resolve(name));
    }

    @Override
    public Content open(String name) throws IOException {
        Path file = folder.resolve(name);
        if (Files.isDirectory(file)) {
            throw new UserException(file + " is a folder where a file was expected.");
        }
        try {
            FileChannel channel = FileChannel.open(file);
            return new LocalContent(channel, channel.size());
        } catch (NoSuchFileException e) {
            throw (IOException) new FileNotFoundException(e.getMessage()).initCause(e);
        }
    }

    @Override
    public String path(String name) {
        return folder.resolve(name).toString();
    }

    @Override
    public String toString() {
        return folder.toString();
    }

    private record LocalContent(FileChannel channel, long bytes) implements Content {
        @Override
        public void read(long position, ByteBuffer into) throws IOException {
            int limit = into.limit();
            long next = position;
            while (into.position() < limit) {
                // Java copies what goes to its own heap through a buffer of the same size, which it keeps.
                into.limit(Math.min(limit, into.position() + Chunks.BYTES));
                int count = channel.read(into, next);
                into.limit(limit);
                if (count < 0) {
                    throw new EOFException("the file ends at byte " + next);
                }
                next += count;
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
