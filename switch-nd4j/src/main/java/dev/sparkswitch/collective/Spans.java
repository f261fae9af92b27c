package dev.sparkswitch.collective;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

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

    /**
     * The equal parts of a buffer.
     *
     * @throws IllegalArgumentException for a buffer that collectives do not take, or that has no such parts
     */
    static List<ByteBuffer> parts(ByteBuffer buffer, int count, String name) {
        OperationLog.check(buffer, name);
        if (buffer.remaining() % count != 0) {
            throw new IllegalArgumentException(
                    buffer.remaining() + " bytes do not divide into " + count + " equal parts");
        }
        int bytes = buffer.remaining() / count;
        List<ByteBuffer> parts = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            parts.add(slice(buffer, i * bytes, bytes));
        }
        return parts;
    }

    /** The {@code index}-th of {@code count} equal runs. */
    static List<ByteBuffer> run(List<ByteBuffer> buffers, int index, int count) {
        int length = buffers.size() / count;
        return buffers.subList(index * length, (index + 1) * length);
    }

    /** Copies what the buffers hold together, one after the other; both lists hold as much, their buffers maybe not. */
    static void copy(List<ByteBuffer> from, List<ByteBuffer> to) {
        int next = 0;
        ByteBuffer source = from.get(0).slice();
        for (ByteBuffer into : to) {
            ByteBuffer target = into.slice();
            while (target.hasRemaining()) {
                if (!source.hasRemaining()) {
                    next++;
                    source = from.get(next).slice();
                }
                int bytes = Math.min(source.remaining(), target.remaining());
                target.put(source.slice().limit(bytes));
                source.position(source.position() + bytes);
            }
        }
    }
}
