package dev.sparkswitch.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The files of a folder that is read. Those of this machine are read without Hadoop, whose libraries a host that only runs
 * models may lack.
 */
interface StoredFiles {
    /** Whether there is a file of that name. */
    boolean holds(String name) throws IOException;

    /**
     * Opens a file.
     *
     * @throws java.io.FileNotFoundException where there is none
     * @throws dev.sparkswitch.base.UserException where it is a folder
     */
    Content open(String name) throws IOException;

    /** Where the file of that name stands, for messages. */
    String path(String name);

    /** What a file holds. Several threads may read at once. */
    interface Content extends Closeable {
        /** The file's size when it was opened. */
        long bytes();

        /**
         * Fills {@code into}, from position to limit, with what stands from {@code position} on.
         *
         * @throws java.io.EOFException where the file ends before
         */
        void read(long position, ByteBuffer into) throws IOException;
    }
}
