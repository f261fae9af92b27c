package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Large matrices for adafactor-groups.cu: a group of blocks holds one's gradient in shared memory while it takes it through
 * all phases of a step, so that gradients are read once. Made once for a list of parameters and kept on the card.
 */
final class AdafactorGroups implements AutoCloseable {
    /** As in adafactor-groups.cu: bytes of a matrix's description, columns of a thread and of a warp, threads of a block. */
    private static final int MATRIX_BYTES = 56;

    private static final int COLUMNS = 8;
    private static final int WARP_COLUMNS = Launch.WARP * COLUMNS;
    private static final int MOST_THREADS = 512;
    /** Blocks that a multiprocessor has room for: one moves memory while the other waits for its group. */
    private static final int RESIDENT = 2;
    /** What a card keeps of shared memory for itself in each block. */
    private static final int RESERVED = 1 << 10;
    /** Shared memory that the kernel declares by itself, and some more. */
    private static final int DECLARED = 3 << 10;

    /** Phases of a step, and what stands for all of them in one launch. */
    private static final int ALL_PHASES = 4;

    /** A matrix that needs fewer of a group's blocks than this share leaves too many of them idle. */
    private static final double LEAST_SHARE = 0.7;

    /** Rows that a block may have: a thread takes each one's moment, and blocks have more threads than that. */
    private static final int MOST_ROWS = MOST_THREADS / 2;

    /**
     * Which matrices are worth a group.
     *
     * @param leastElements smaller matrices leave most of a group idle
     * @param blockBytes dynamic shared memory of a block
     */
    record Limits(long leastElements, int blockBytes) {
        private static final long LEAST_ELEMENTS = 1 << 18;

        /** Those of a device, where {@link #RESIDENT} blocks share a multiprocessor. */
        static Limits of(Device device) {
            return new Limits(
                    LEAST_ELEMENTS, (device.sharedMemoryPerBlock() + RESERVED) / RESIDENT - RESERVED - DECLARED);
        }

        /** No matrix. */
        static Limits none() {
            return new Limits(Long.MAX_VALUE, 0);
        }
    }

    private final CudaContext context;
    private final Kernels kernels;
    private final Sizes sizes;
    private final int members;
    private final int groups;
    private final int matrices;
    private final boolean prefetch = Switches.isOn(Switches.ADAFACTOR_PREFETCH);
    private final int threads;
    private final int mostColumns;
    private final long exchangeNumbers;
    private final CudaTensor descriptions;
    private final CudaTensor exchanges;
    private final CudaTensor counters;
    private final KeptSquares squares;
    private final SlotSquares gradientSquares;

    /** What the shared memory of a block holds: so many numbers of rows, twice, and so many bytes of gradients. */
    private record Sizes(DType gradient, int rowNumbers, int gradientBytes) {
        static Sizes of(DType gradient, Limits limits) {
            int rowNumbers = (limits.blockBytes() / (WARP_COLUMNS * gradient.bytes()) + 3) / 4 * 4;
            return new Sizes(gradient, rowNumbers, limits.blockBytes() - 2 * rowNumbers * Float.BYTES);
        }

        int rowsOfBlock(AdafactorSlot slot) {
            return Math.min(MOST_ROWS, gradientBytes / (slot.value().extent(-1) * gradient.bytes()));
        }

        int blocks(AdafactorSlot slot) {
            int rows = rowsOfBlock(slot);
            return (slot.value().extent(-2) + rows - 1) / rows;
        }

        int bytes() {
            return 2 * rowNumbers * Float.BYTES + gradientBytes;
        }
    }

    /** Whether a parameter is a matrix that a group of blocks of this device can hold. */
    static boolean takes(Device device, Limits limits, AdafactorSlot slot) {
        if (!slot.factored() || slot.value().size() < limits.leastElements()) {
            return false;
        }
        int columns = slot.value().extent(-1);
        if (slot.value().size() != (long) slot.value().extent(-2) * columns
                || columns % WARP_COLUMNS != 0
                || columns / COLUMNS > MOST_THREADS
                || !aligned(cuda(slot.value()).address())
                || !aligned(cuda(slot.gradient()).address())
                || !aligned(cuda(slot.columnMoments()).address())) {
            return false;
        }
        Sizes sizes = Sizes.of(slot.gradient().type(), limits);
        return sizes.rowsOfBlock(slot) > 0 && sizes.blocks(slot) <= RESIDENT * device.multiprocessors();
    }

    /** Parameters whose groups are of one size, by their places in the list; the largest first. */
    static List<List<Integer>> bySize(Limits limits, List<AdafactorSlot> slots, List<Integer> places) {
        List<Integer> ordered = new ArrayList<>(places);
        ordered.sort(Comparator.comparingInt(place -> -blocks(limits, slots.get(place))));
        List<List<Integer>> classes = new ArrayList<>();
        int most = 0;
        for (int place : ordered) {
            int blocks = blocks(limits, slots.get(place));
            if (classes.isEmpty() || blocks < LEAST_SHARE * most) {
                classes.add(new ArrayList<>());
                most = blocks;
            }
            classes.get(classes.size() - 1).add(place);
        }
        return classes;
    }

    private static int blocks(Limits limits, AdafactorSlot slot) {
        return Sizes.of(slot.gradient().type(), limits).blocks(slot);
    }

    private static boolean aligned(long address) {
        return address % 16 == 0;
    }

    /**
     * A plan.
     *
     * @param slots at least one, each of which {@link #takes} has accepted; their gradients are of one type
     * @param places where the sums of their gradients' squares go
     */
    AdafactorGroups(CudaContext context, Kernels kernels, Limits limits, List<AdafactorSlot> slots, int[] places) {
        this.context = context;
        this.kernels = kernels;
        this.sizes = Sizes.of(slots.get(0).gradient().type(), limits);
        this.matrices = slots.size();
        int most = 0;
        int columns = 0;
        for (AdafactorSlot slot : slots) {
            most = Math.max(most, sizes.blocks(slot));
            columns = Math.max(columns, slot.value().extent(-1));
        }
        this.members = most;
        this.mostColumns = columns;
        this.groups = Math.min(matrices, RESIDENT * context.device().multiprocessors() / members);
        int widest = columns / COLUMNS;
        this.threads = MOST_THREADS / widest * widest;
        this.exchangeNumbers = columns + 2L * ((members + 3) / 4 * 4) + (long) members * threads * COLUMNS;
        this.exchanges = context.allocate(DType.FLOAT32, Math.toIntExact(groups * exchangeNumbers));
        this.counters = context.allocate(DType.INT32, 2 + 2 * groups);
        this.squares = new KeptSquares(context, matrices * members);
        int[] counts = new int[matrices];
        Arrays.fill(counts, members);
        this.gradientSquares = new SlotSquares(context, counts, places);
        ByteBuffer bytes = ByteBuffer.allocateDirect(MATRIX_BYTES * matrices).order(ByteOrder.nativeOrder());
        for (AdafactorSlot slot : slots) {
            CudaTensor value = context.parameter("adafactor", slot.value());
            int rows = value.extent(-2);
            bytes.putLong(value.address())
                    .putLong(value.low())
                    .putLong(cuda(slot.gradient()).address())
                    .putLong(cuda(slot.rowMoments()).address())
                    .putLong(cuda(slot.columnMoments()).address())
                    .putInt(rows)
                    .putInt(value.extent(-1))
                    .putInt((rows + members - 1) / members)
                    .putInt(0);
        }
        this.descriptions = context.allocate(DType.INT64, bytes.capacity() / Long.BYTES);
        context.device().upload(descriptions.address(), bytes.flip());
    }

    /** One step of all matrices; leaves the sums of their gradients' squares where {@code sums} is not null. */
    void step(AdafactorSettings settings, Tensor sums) {
        long writes = context.memory().parameterWrites();
        boolean measure = settings.relative() && !(context.splitsParameters() && squares.known(writes));
        // A block alone waits for no other.
        if (context.device().runsBlocksTogether() || members == 1) {
            context.device().zero(counters.address(), counters.size() * Integer.BYTES);
            launch(settings, measure, sums, 0, matrices, ALL_PHASES, counters);
        } else {
            for (int first = 0; first < matrices; first += groups) {
                for (int phase = 0; phase < ALL_PHASES; phase++) {
                    launch(settings, measure, sums, first, Math.min(matrices, first + groups), phase, null);
                }
            }
        }
        squares.stepped(writes);
        gradientSquares.addUp(sums);
    }

    private void launch(
            AdafactorSettings settings,
            boolean measure,
            Tensor sums,
            int first,
            int end,
            int phase,
            CudaTensor counted) {
        kernels.launch(
                sizes.gradient() == DType.BFLOAT16 ? "adafactor_groups_narrow" : "adafactor_groups",
                Launch.of((long) groups * members, threads).withShared(sizes.bytes()),
                descriptions,
                first,
                end,
                phase,
                prefetch ? 1 : 0,
                members,
                sizes.rowNumbers(),
                counted,
                exchanges,
                exchangeNumbers,
                mostColumns,
                settings.learningRate(),
                settings.decay(),
                settings.fresh(),
                settings.epsilon1(),
                settings.epsilon2(),
                settings.clip(),
                settings.relative() ? 1 : 0,
                measure ? 1 : 0,
                squares.before(),
                squares.after(),
                gradientSquares.partials(sums));
    }

    @Override
    public void close() {
        descriptions.close();
        exchanges.close();
        counters.close();
        squares.close();
        gradientSquares.close();
    }
}
