package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/**
 * The blocks of a card's memory that other cards write to, numbered in the order in which they were made. Every card of a group
 * makes the same ones in the same order, so that a place in one's block tells where it is in all others.
 *
 * <p>Thread-safe: other cards' threads ask where a block lies.
 */
final class SharedBlocks {
    private static final long LOOK_MILLIS = 200;

    /** A byte of a block. */
    record Place(int number, long offset) {}

    private final List<DeviceMemory.Block> blocks = new ArrayList<>();
    private final TreeMap<Long, Integer> numbers = new TreeMap<>();

    /** The next block. */
    synchronized void add(long address, long bytes) {
        numbers.put(address, blocks.size());
        blocks.add(new DeviceMemory.Block(address, bytes, blocks.size()));
        notifyAll();
    }

    /** Where an address lies. */
    synchronized Place place(long address) {
        Map.Entry<Long, Integer> below = numbers.floorEntry(address);
        if (below != null) {
            long offset = address - below.getKey();
            if (offset < blocks.get(below.getValue()).bytes()) {
                return new Place(below.getValue(), offset);
            }
        }
        throw new IllegalArgumentException("no other card can write to memory that was not made for it");
    }

    /** The bytes of a block that is there. */
    synchronized long bytes(int number) {
        return blocks.get(number).bytes();
    }

    /**
     * The address of a place, once its block is there.
     *
     * @param bytes of the block
     * @param givenUp whether to stop waiting for it
     */
    synchronized long address(Place place, long bytes, BooleanSupplier givenUp) {
        while (place.number() >= blocks.size()) {
            if (givenUp.getAsBoolean()) {
                throw new IllegalStateException("another card never made its block " + place.number());
            }
            try {
                wait(LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for another card's memory", e);
            }
        }
        DeviceMemory.Block block = blocks.get(place.number());
        if (block.bytes() != bytes) {
            throw new InternalException("block " + place.number() + " has " + bytes + " bytes on one card and "
                    + block.bytes() + " on another: the ranks do not do the same");
        }
        return block.address() + place.offset();
    }
}
