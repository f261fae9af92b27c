package dev.sparkswitch.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/** Passes over tensors piece by piece, so that memory stays small whatever their size. */
final class Chunks {
    /** The bytes of a piece: a whole number of elements of every type. */
    static final int BYTES = 1 << 20;

    private Chunks() {}

    /** Hands the stored bytes of a tensor, little-endian, to {@code consumer}, in order; the buffer is reused. */
    static void forEach(TensorStore store, TensorInfo info, Consumer<ByteBuffer> consumer) {
        long size = info.bytes();
        ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(BYTES, size)).order(ByteOrder.LITTLE_ENDIAN);
        for (long offset = 0; offset < size; offset += BYTES) {
            chunk.clear().limit((int) Math.min(BYTES, size - offset));
            store.read(info.name(), offset, chunk);
            consumer.accept(chunk.flip());
        }
    }

    /** Whether two tensors hold the same bytes. */
    static boolean same(TensorStore store, TensorInfo left, TensorInfo right) {
        if (left.type() != right.type() || !left.shape().equals(right.shape())) {
            return false;
        }
        long size = left.bytes();
        ByteBuffer one = ByteBuffer.allocate((int) Math.min(BYTES, size));
        ByteBuffer other = ByteBuffer.allocate(one.capacity());
        for (long offset = 0; offset < size; offset += BYTES) {
            int length = (int) Math.min(BYTES, size - offset);
            store.read(left.name(), offset, one.clear().limit(length));
            store.read(right.name(), offset, other.clear().limit(length));
            if (!one.flip().equals(other.flip())) {
                return false;
            }
        }
        return true;
    }
}
