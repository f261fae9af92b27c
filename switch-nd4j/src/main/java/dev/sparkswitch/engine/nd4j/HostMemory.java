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
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Blocks of ND4J memory, reused by exact type and size: shapes are static, so after the first step every request hits. */
final class HostMemory implements AutoCloseable {
    /** A block: the ND4J buffer that owns it, its address and its bytes in native order. */
    record Block(DType type, long size, DataBuffer buffer, Pointer address, ByteBuffer bytes) {}

    private record Kind(DType type, long size) {}

    private final Map<Kind, Deque<Block>> free = new HashMap<>();
    private final List<Block> all = new ArrayList<>();
    private long bytes;

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
        DataBuffer buffer = Nd4j.createBuffer(dataType(type), Math.max(size, 1), false);
        Pointer address = buffer.addressPointer();
        ByteBuffer contents = new BytePointer(address)
                .position(0)
                .capacity(size * type.bytes())
                .asByteBuffer()
                .order(ByteOrder.nativeOrder());
        Block block = new Block(type, size, buffer, address, contents);
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

    private static DataType dataType(DType type) {
        return switch (type) {
            case FLOAT64 -> DataType.DOUBLE;
            case FLOAT32 -> DataType.FLOAT;
            case BFLOAT16 -> DataType.BFLOAT16;
            case INT32 -> DataType.INT;
            case INT64 -> DataType.LONG;
        };
    }

    @Override
    public void close() {
        for (Block block : all) {
            block.buffer().close();
        }
        all.clear();
        free.clear();
    }
}
