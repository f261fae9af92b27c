package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A folder of one of Hadoop's file systems. */
record HadoopFolder(FileSystem fileSystem, Path folder) implements StoredFiles {
    HadoopFolder {
        fileSystem = HadoopFiles.raw(fileSystem);
    }

    @Override
    public boolean holds(String name) throws IOException {
        return fileSystem.exists(new Path(folder, name));
    }

    @Override
    public Content open(String name) throws IOException {
        Path file = new Path(folder, name);
        try {
            FileStatus status = fileSystem.getFileStatus(file);
            if (status.isDirectory()) {
                throw new UserException(file + " is a folder where a file was expected.");
            }
            return new HadoopContent(fileSystem.open(file), status.getLen());
        } catch (FSError e) {
            throw HadoopFiles.ordinary(e);
        }
    }

    @Override
    public String path(String name) {
        return new Path(folder, name).toString();
    }

    @Override
    public String toString() {
        return folder.toString();
    }

    private record HadoopContent(FSDataInputStream in, long bytes) implements Content {
        @Override
        public void read(long position, ByteBuffer into) throws IOException {
            try {
                if (into.hasArray()) {
                    in.readFully(position, into.array(), into.arrayOffset() + into.position(), into.remaining());
                    into.position(into.limit());
                } else {
                    copy(position, into);
                }
            } catch (FSError e) {
                throw HadoopFiles.ordinary(e);
            }
        }

        private void copy(long position, ByteBuffer into) throws IOException {
            byte[] piece = new byte[Math.min(Chunks.BYTES, into.remaining())];
            for (long next = position; into.hasRemaining(); ) {
                int length = Math.min(piece.length, into.remaining());
                in.readFully(next, piece, 0, length);
                into.put(piece, 0, length);
                next += length;
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
