package dev.sparkswitch.model;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory for the gradients of many weights in few blocks, so that ranks sum them in few, large pieces. A tensor's extents are
 * ints and its bytes may be limited, so that one block would not hold the experts of a large model.
 *
 * <p>Backward passes complete gradients from the last that was taken to the first. What is complete can be summed while the
 * passes go on.
 */
final class GradientArena implements AutoCloseable {
    /** Elements of a block: 512 MiB of float32. A weight that is larger has a block of its own. */
    private static final long BLOCK = 1L << 27;

    /** Memory, and the elements of it that have been handed out. */
    private static final class Block {
        private final Tensor memory;
        private int used;

        Block(Tensor memory) {
            this.memory = memory;
        }
    }

    /** Where a gradient lies: its block's number, its first element, the one after its last. */
    private record Place(int block, int from, int to) {}

    private final Engine engine;
    private final DType type;
    private final long blockSize;
    private final List<Block> blocks = new ArrayList<>();
    private final List<Place> places = new ArrayList<>();
    private long remaining;
    /** Gradients before this one are not complete. */
    private int incomplete;
    /** Gradients before this one have not been handed out by {@link #takeComplete}. */
    private int untaken;

    /**
     * An arena without memory yet.
     *
     * @param type of the gradients
     * @param size elements of all gradients together
     */
    GradientArena(Engine engine, DType type, long size) {
        this(engine, type, size, BLOCK);
    }

    GradientArena(Engine engine, DType type, long size, long blockSize) {
        this.engine = engine;
        this.type = type;
        this.remaining = size;
        this.blockSize = blockSize;
    }

    /** The next gradient, with undefined contents. */
    Tensor take(int... shape) {
        long elements = 1;
        for (int extent : shape) {
            elements *= extent;
        }
        if (elements > Integer.MAX_VALUE) {
            throw new UserException(
                    "A matrix of one layer's experts has " + elements + " elements on this rank, more than "
                            + Integer.MAX_VALUE + ": spread the experts over more ranks.");
        }
        int size = (int) elements;
        Block block = blocks.isEmpty() ? null : blocks.get(blocks.size() - 1);
        if (block == null || block.used + (long) size > block.memory.size()) {
            int room = (int) Math.max(size, Math.min(blockSize, remaining));
            block = new Block(engine.allocate(type, room));
            blocks.add(block);
        }
        int from = block.used;
        block.used += size;
        remaining -= size;
        places.add(new Place(blocks.size() - 1, from, block.used));
        return block.memory.slice(from, block.used).reshape(shape);
    }

    /** The blocks, as far as gradients lie in them: views. */
    List<Tensor> blocks() {
        List<Tensor> views = new ArrayList<>();
        for (Block block : blocks) {
            views.add(block.memory.slice(0, block.used));
        }
        return views;
    }

    /** Starts a pass: no gradient is complete. */
    void begin() {
        incomplete = places.size();
        untaken = places.size();
    }

    /** The last gradient that was not complete is. */
    void completeLast() {
        incomplete--;
    }

    /**
     * Complete gradients that this has not returned before, in views of neighbours, the last first: each as soon as it has
     * {@code bytes} or no neighbour before it in its block. Where they are cut does not depend on when this is called.
     */
    List<Tensor> takeComplete(long bytes) {
        List<Tensor> pieces = new ArrayList<>();
        while (untaken > incomplete) {
            int first = untaken - 1;
            Place last = places.get(first);
            while (first > incomplete && !beginsBlock(first) && bytes(first, last) < bytes) {
                first--;
            }
            if (!beginsBlock(first) && bytes(first, last) < bytes) {
                break;
            }
            pieces.add(blocks.get(last.block()).memory.slice(places.get(first).from(), last.to()));
            untaken = first;
        }
        return pieces;
    }

    private boolean beginsBlock(int place) {
        return places.get(place).from() == 0;
    }

    private long bytes(int first, Place last) {
        return (last.to() - (long) places.get(first).from()) * type.bytes();
    }

    @Override
    public void close() {
        for (Block block : blocks) {
            block.memory.close();
        }
    }
}
