package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Blocks of memory, reused by exact type and size: shapes are static, so after the first step every request hits. */
final class HostMemory implements AutoCloseable {
    /** A block: its memory, and its bytes in native order. */
    record Block(DType type, long size, HostLibrary.Memory memory, ByteBuffer bytes) {
        Pointer address() {
            return memory.address();
        }
    }

    private record Kind(DType type, long size) {}

    private final HostLibrary library;
    private final Map<Kind, Deque<Block>> free = new HashMap<>();
    private final List<Block> all = new ArrayList<>();
    private long bytes;

    HostMemory(HostLibrary library) {
        this.library = library;
    }

    Block take(DType type, long size) {
        Deque<Block> blocks = free.get(new Kind(type, size));
        Block block = blocks == null ? null : blocks.pollLast();
        return block != null ? block : create(type, size);
    }

    private Block create(DType type, long size) {
        if (size * type.bytes() > Integer.MAX_VALUE - 64L) {
            throw new IllegalArgumentException("a tensor of " + size + " " + type
                    + " elements exceeds the 2 GiB that one tensor may have on this engine");
        }
        HostLibrary.Memory memory = library.allocate(type, size);
        ByteBuffer contents = new BytePointer(memory.address())
                .position(0)
                .capacity(size * type.bytes())
                .asByteBuffer()
                .order(ByteOrder.nativeOrder());
        Block block = new Block(type, size, memory, contents);
        all.add(block);
        bytes += size * type.bytes();
        return block;
    }

    void release(Block block) {
        free.computeIfAbsent(new Kind(block.type(), block.size()), kind -> new ArrayDeque<>())
                .addLast(block);
    }

    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        for (Block block : all) {
            block.memory().release().run();
        }
        all.clear();
        free.clear();
    }
}
