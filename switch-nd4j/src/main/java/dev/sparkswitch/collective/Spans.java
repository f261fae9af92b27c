package dev.sparkswitch.collective;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** How a buffer is shared out: contiguous spans of elements whose lengths differ by one at most. */
final class Spans {
    private Spans() {}

    /** The first element of the {@code index}-th of {@code parts} spans over {@code count} elements. */
    static int start(int count, int index, int parts) {
        return (int) ((long) count * index / parts);
    }

    /** {@code bytes} bytes of {@code buffer} from {@code offset} after its position, in native order. */
    static ByteBuffer slice(ByteBuffer buffer, int offset, int bytes) {
        return buffer.slice(buffer.position() + offset, bytes).order(ByteOrder.nativeOrder());
    }
}
