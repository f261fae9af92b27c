package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * What adafactor.cu needs to know of a list of parameters: where each lies, how it is cut into tiles, and the order of all
 * items of work. Made once for a list and kept on the card.
 *
 * <p>An item's place in the order is a position in the stream of gradients as the first pass reads it. The passes after it
 * follow at distances that let the items before them finish, and close enough for the gradients still to be cached.
 */
final class AdafactorPlan implements AutoCloseable {
    /** As in adafactor-slots.cuh: bytes of a slot's description, columns of a tile and of moments, elements of an unfactored tile. */
    private static final int SLOT_BYTES = 128;

    private static final int TILE_COLUMNS = 1024;
    private static final int MOMENT_COLUMNS = 128;
    private static final int UNFACTORED_TILE = 8192;
    /** Kinds of items, in the order of their dependence, as in adafactor-slots.cuh. */
    private static final int SQUARES = 0;

    private static final int MOMENTS = 1;
    private static final int UPDATES = 2;
    private static final int APPLICATION = 3;
    private static final int KINDS = 4;
    /**
     * Elements of a factored tile, about. Small tiles leave less in flight between the passes of a parameter; larger ones
     * would spend less on sums of columns.
     */
    private static final int TILE_ELEMENTS = 16 << 10;
    /** Rows of a tile are multiples of a block's warps. */
    private static final int WARPS = 8;
    /**
     * Elements that the first pass gets ahead between a pass and the next that depends on it: about half of the items that all
     * blocks of a large card are at work on. Measured on an H100 over 3.8e9 parameters: 56 ms with a third of it, for blocks
     * wait; 34 ms with this and with twice as much, which leaves less of the second-level cache.
     */
    private static final long LAG = 17 << 17;
    /** Slots, at least, that can be under way. */
    private static final int SLOTS_IN_RING = 4;

    private static final int POSITION_BITS = 38;
    private static final int SEQUENCE_BITS = 25;

    /** How a parameter is cut. */
    private record Cut(
            boolean factored,
            long elements,
            int matrices,
            int rows,
            int columns,
            int tileRows,
            int rowTiles,
            int chunks) {
        static Cut of(AdafactorSlot slot) {
            long elements = slot.value().size();
            if (!slot.factored()) {
                return new Cut(false, elements, 1, 1, 1, 1, 1, 1);
            }
            int rows = slot.value().extent(-2);
            int columns = slot.value().extent(-1);
            int matrices = (int) (elements / rows / columns);
            int wanted = TILE_ELEMENTS / Math.min(columns, TILE_COLUMNS);
            int tileRows = Math.max(WARPS, (Math.min(rows, wanted) + WARPS - 1) / WARPS * WARPS);
            return new Cut(
                    true,
                    elements,
                    matrices,
                    rows,
                    columns,
                    tileRows,
                    (rows + tileRows - 1) / tileRows,
                    (columns + TILE_COLUMNS - 1) / TILE_COLUMNS);
        }

        int tiles() {
            long tiles =
                    factored ? (long) matrices * rowTiles * chunks : (elements + UNFACTORED_TILE - 1) / UNFACTORED_TILE;
            return Math.toIntExact(tiles);
        }

        int momentItems() {
            return matrices * ((columns + MOMENT_COLUMNS - 1) / MOMENT_COLUMNS + 1);
        }

        /** The sizes of the scratch arrays, in the order of the description. */
        long[] scratchBytes() {
            long allRows = (long) matrices * rows;
            long[] numbers = factored
                    ? new long[] {
                        allRows * chunks,
                        (long) matrices * rowTiles * columns,
                        allRows,
                        (long) matrices * columns,
                        tiles()
                    }
                    : new long[] {0, 0, 0, 0, tiles()};
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = numbers[i] == 0 ? 0 : DeviceMemory.aligned(numbers[i] * Float.BYTES);
            }
            return numbers;
        }
    }

    /** A slot's stretch of the ring and where in the order its last item stands. */
    private record Stretch(int slot, long start, long end, long lastPosition) {}

    private final CudaTensor descriptions;
    private final CudaTensor items;
    private final CudaTensor counters;
    private final DType gradient;
    /** Of each tile's values. */
    private final KeptSquares squares;

    private final SlotSquares gradientSquares;
    private final CudaTensor ring;

    // While the plan is made
    private final Deque<Stretch> taken = new ArrayDeque<>();
    private final long ringBytes;
    private long ringOffset;
    private long[] codes = new long[1024];
    private long[] keys = new long[1024];
    private int count;
    private int tiles;

    /**
     * A plan.
     *
     * @param slots at least one; their gradients are of one type
     * @param places where the sums of their gradients' squares go
     * @param leastRing the least size of the scratch memory in bytes
     */
    AdafactorPlan(CudaContext context, List<AdafactorSlot> slots, int[] places, long leastRing) {
        this.gradient = slots.get(0).gradient().type();
        Cut[] cuts = new Cut[slots.size()];
        long largest = 0;
        for (int i = 0; i < cuts.length; i++) {
            cuts[i] = Cut.of(slots.get(i));
            largest = Math.max(largest, Arrays.stream(cuts[i].scratchBytes()).sum());
        }
        this.ringBytes = Math.max(leastRing, SLOTS_IN_RING * largest);
        this.ring = context.allocate(DType.INT32, Math.toIntExact(ringBytes / Integer.BYTES));
        ByteBuffer bytes = ByteBuffer.allocateDirect(SLOT_BYTES * cuts.length).order(ByteOrder.nativeOrder());
        long cursor = 0;
        for (int i = 0; i < cuts.length; i++) {
            cursor = place(context, i, slots.get(i), cuts[i], cursor, bytes);
        }
        this.descriptions = uploaded(context, bytes.flip());
        this.items = uploaded(context, inOrder());
        this.counters = context.allocate(DType.INT32, 1 + cuts.length * KINDS);
        this.squares = new KeptSquares(context, tiles);
        this.gradientSquares = new SlotSquares(
                context, Arrays.stream(cuts).mapToInt(Cut::tiles).toArray(), places);
        codes = null;
        keys = null;
    }

    /** Describes a slot and adds its items; returns where the first pass of the next one begins. */
    private long place(CudaContext context, int index, AdafactorSlot slot, Cut cut, long cursor, ByteBuffer bytes) {
        long[] sizes = cut.scratchBytes();
        long size = Arrays.stream(sizes).sum();
        long start = ringOffset;
        int firstBefore = -1;
        int lastBefore = -1;
        if (start + size > ringBytes) {
            // Whoever holds the rest of the ring comes before those at its beginning.
            start = 0;
        }
        long end = start + size;
        boolean turned = start < ringOffset;
        while (!taken.isEmpty()
                && (turned && taken.peekFirst().start() >= ringOffset
                        || taken.peekFirst().start() < end && taken.peekFirst().end() > start)) {
            Stretch before = taken.removeFirst();
            firstBefore = firstBefore < 0 ? before.slot() : firstBefore;
            lastBefore = before.slot();
            cursor = Math.max(cursor, before.lastPosition() + 1);
        }
        ringOffset = end;
        long last = addItems(index, cut, cursor);
        taken.addLast(new Stretch(index, start, end, last));
        describe(context, slot, cut, sizes, start, firstBefore, lastBefore, bytes);
        return cursor + cut.elements();
    }

    /** Returns the position of the slot's last item. */
    private long addItems(int slot, Cut cut, long start) {
        int tiles = cut.tiles();
        long size = cut.elements();
        add(slot, SQUARES, tiles, start, size);
        long at = start + size + LAG;
        if (cut.factored()) {
            add(slot, MOMENTS, cut.momentItems(), at, 0);
            at += LAG;
            add(slot, UPDATES, tiles, at, size / 2);
            at += size / 2 + LAG;
        }
        add(slot, APPLICATION, tiles, at, size);
        return at + size;
    }

    private void add(int slot, int kind, int number, long start, long span) {
        if (count + number > codes.length) {
            int room = Math.max(2 * codes.length, count + number);
            codes = Arrays.copyOf(codes, room);
            keys = Arrays.copyOf(keys, room);
        }
        for (int i = 0; i < number; i++) {
            codes[count] = (long) slot << 32 | (long) kind << 28 | i;
            keys[count] = start + span * i / number << SEQUENCE_BITS | count;
            count++;
        }
        if (count >= 1 << SEQUENCE_BITS || start + span >= 1L << POSITION_BITS) {
            throw new IllegalArgumentException(
                    "parameters of " + (start + span) + " elements are too many for one step");
        }
    }

    private ByteBuffer inOrder() {
        Arrays.sort(keys, 0, count);
        ByteBuffer bytes = ByteBuffer.allocateDirect(count * Long.BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < count; i++) {
            bytes.putLong(codes[(int) (keys[i] & (1L << SEQUENCE_BITS) - 1)]);
        }
        return bytes.flip();
    }

    private void describe(
            CudaContext context,
            AdafactorSlot slot,
            Cut cut,
            long[] sizes,
            long start,
            int firstBefore,
            int lastBefore,
            ByteBuffer bytes) {
        CudaTensor value = context.parameter("adafactor", slot.value());
        bytes.putLong(value.address())
                .putLong(value.low())
                .putLong(CudaContext.cuda(slot.gradient()).address())
                .putLong(CudaContext.cuda(slot.rowMoments()).address())
                .putLong(
                        slot.factored() ? CudaContext.cuda(slot.columnMoments()).address() : 0);
        long address = ring.address() + start;
        for (long size : sizes) {
            bytes.putLong(address);
            address += size;
        }
        bytes.putLong(cut.elements())
                .putInt(cut.rows())
                .putInt(cut.columns())
                .putInt(cut.tileRows())
                .putInt(cut.rowTiles())
                .putInt(cut.chunks())
                .putInt(cut.tiles())
                .putInt(cut.momentItems())
                .putInt(firstBefore)
                .putInt(lastBefore)
                .putInt(tiles);
        tiles += cut.tiles();
    }

    private static CudaTensor uploaded(CudaContext context, ByteBuffer bytes) {
        CudaTensor tensor = context.allocate(DType.INT64, Math.max(1, bytes.remaining() / Long.BYTES));
        context.device().upload(tensor.address(), bytes);
        return tensor;
    }

    /** The kernel for these gradients. */
    String kernel() {
        return gradient == DType.BFLOAT16 ? "adafactor_narrow" : "adafactor";
    }

    /** Items of work. */
    int items() {
        return count;
    }

    /** The slots as adafactor-slots.cuh describes them. */
    CudaTensor descriptions() {
        return descriptions;
    }

    /** The items in their order. */
    CudaTensor order() {
        return items;
    }

    /** The counter of items that are drawn, and after it those of items that are done: to be zero before a step. */
    CudaTensor counters() {
        return counters;
    }

    /** The sums of squares of each tile's values. */
    KeptSquares squares() {
        return squares;
    }

    /** The sums of squares of gradients: a number a tile. */
    SlotSquares gradientSquares() {
        return gradientSquares;
    }

    @Override
    public void close() {
        gradientSquares.close();
        descriptions.close();
        items.close();
        counters.close();
        squares.close();
        ring.close();
    }
}
