package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.DType;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.function.LongUnaryOperator;

/**
 * Blocks of a device's memory, reused by exact size: shapes are static, so after the first step every request hits. A block
 * may be handed out again while work on its former contents is still under way, because the device works in order. Of the free
 * ones it is the one that was made first, so that a step that asks for what the one before asked for gets the same.
 */
final class DeviceMemory implements AutoCloseable {
    /** Every block starts at a multiple of this. */
    private static final int ALIGNMENT = 256;

    private static final double GIB = 1L << 30;

    /**
     * A block of the device's memory.
     *
     * @param number how many were made before
     */
    record Block(long address, long bytes, int number) {}

    private final Device device;
    private final LongUnaryOperator allocation;
    /** What gives the device back memory that nobody uses. */
    private final Runnable makeRoom;

    private final Map<Long, Queue<Block>> free = new HashMap<>();
    private final Set<Block> all = new HashSet<>();
    private int made;
    private long bytes;
    private long parameterWrites;

    DeviceMemory(Device device) {
        this.device = device;
        this.allocation = device::allocate;
        this.makeRoom = this::trim;
    }

    private DeviceMemory(Device device, DeviceMemory other) {
        this.device = device;
        this.allocation = device::allocateShared;
        this.makeRoom = other::trim;
    }

    /** Blocks beside {@code other} that cards of a group write to, and which therefore stay. */
    static DeviceMemory shared(Device device, DeviceMemory other) {
        return new DeviceMemory(device, other);
    }

    /** The least multiple of the alignment that holds {@code bytes}. */
    static long aligned(long bytes) {
        return Math.max(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    }

    /**
     * A block for a tensor.
     *
     * @throws ResourceException where the device has not that much left
     */
    Block take(long wanted, DType type, int... shape) {
        long size = Math.max(1, wanted);
        Queue<Block> blocks = free.get(size);
        Block block = blocks == null ? null : blocks.poll();
        return block != null ? block : create(size, type, shape);
    }

    private Block create(long size, DType type, int... shape) {
        long address = allocation.applyAsLong(size);
        if (address == 0) {
            makeRoom.run();
            address = allocation.applyAsLong(size);
        }
        if (address == 0) {
            throw new ResourceException(String.format(
                    "%s has no room for a tensor %s%s of %.2f GiB: %.2f GiB are free, this engine holds %.2f GiB;"
                            + " choose a smaller batch or a smaller model, or end other programs on the card",
                    device.description(),
                    type,
                    Arrays.toString(shape),
                    size / GIB,
                    device.freeBytes() / GIB,
                    bytes / GIB));
        }
        Block block = new Block(address, size, made++);
        all.add(block);
        bytes += size;
        return block;
    }

    /** Gives the device back what nobody uses: blocks of sizes that may never be asked for again. */
    private void trim() {
        device.synchronize();
        for (Queue<Block> blocks : free.values()) {
            for (Block block : blocks) {
                device.free(block.address());
                all.remove(block);
                bytes -= block.bytes();
            }
        }
        free.clear();
    }

    void release(Block block) {
        free.computeIfAbsent(block.bytes(), size -> new PriorityQueue<>(Comparator.comparingInt(Block::number)))
                .add(block);
    }

    /** Somebody writes a split parameter: what is known of its values no longer holds. */
    void noteParameterWrite() {
        parameterWrites++;
    }

    /** How often split parameters were written so far, Adafactor's own steps aside. */
    long parameterWrites() {
        return parameterWrites;
    }

    /** Bytes held, free blocks included. */
    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        for (Block block : all) {
            device.free(block.address());
        }
        all.clear();
        free.clear();
        bytes = 0;
    }
}
