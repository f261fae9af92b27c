package dev.sparkswitch.train;

import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Copies of an engine's tensors in host memory, which stay as they are while training goes on. The memory is kept for the
 * next snapshot of the same tensors: direct buffers go back to the system only when garbage is collected.
 */
final class HostSnapshot {
    private final Engine engine;
    private final Map<String, ByteBuffer> copies = new HashMap<>();

    HostSnapshot(Engine engine) {
        this.engine = engine;
    }

    /** Copies {@code tensor} now; the source hands out the copy until the same name is copied again. */
    TensorSource copy(String name, Tensor tensor) {
        int bytes = Math.toIntExact(tensor.size() * tensor.type().bytes());
        ByteBuffer copy = copies.computeIfAbsent(name, unused -> engine.hostMemory(bytes));
        copy.clear();
        engine.download(tensor, copy);
        copy.clear();
        return TensorSource.of(name, tensor.type(), tensor.shape(), copy);
    }

    /** The memory that the copies take. */
    long bytes() {
        long bytes = 0;
        for (ByteBuffer copy : copies.values()) {
            bytes += copy.capacity();
        }
        return bytes;
    }
}
