package dev.sparkswitch.arrow;

import dev.sparkswitch.base.ResourceException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Iterator;

/** Keeps a few direct buffers for the next batches: Java frees direct memory late and allocates it slowly. */
final class BufferPool {
    private static final int MOST_IDLE = 4;

    private final ArrayDeque<ByteBuffer> idle = new ArrayDeque<>();

    /** A buffer of at least {@code bytes} bytes with arbitrary content. */
    synchronized ByteBuffer take(int bytes) {
        for (Iterator<ByteBuffer> buffers = idle.iterator(); buffers.hasNext(); ) {
            ByteBuffer buffer = buffers.next();
            if (buffer.capacity() >= bytes) {
                buffers.remove();
                return buffer;
            }
        }
        idle.pollFirst();
        try {
            return ByteBuffer.allocateDirect(bytes);
        } catch (OutOfMemoryError e) {
            throw new ResourceException(
                    "No direct memory is left for a batch of " + bytes
                            + " bytes: raise -XX:MaxDirectMemorySize, or read fewer rows at once.",
                    e);
        }
    }

    synchronized void give(ByteBuffer buffer) {
        if (idle.size() < MOST_IDLE) {
            idle.addLast(buffer);
        }
    }
}
