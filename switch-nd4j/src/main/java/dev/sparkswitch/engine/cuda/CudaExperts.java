package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;
import static dev.sparkswitch.engine.cuda.Product.Turn.NONE;
import static dev.sparkswitch.engine.cuda.Product.Turn.TRANSPOSED;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The experts of a pass without drops, over taken slots alone. How many an expert has comes to the host, once a layer: the card
 * waits for some ten microseconds, which pays where slots are many. Every expert's rows are rounded up to one of few sizes,
 * so that products have few shapes; memory is as much as rounding can ever take, so that it is always the same.
 */
final class CudaExperts {
    /**
     * Up to so many slots an expert the products of all slots take no longer than reading the weights does: at 3 TB/s and 800
     * TFLOP/s a weight of two bytes is read in the time of 270 products.
     */
    static final int FEW_SLOTS = 128;

    /** What tensor cores' tiles are filled up to anyway. */
    private static final int LEAST_ROWS = 64;
    /** Sizes from one power of two to the next. */
    private static final int SIZES = 4;

    private static final int THREADS = 256;

    private final CudaContext context;
    private final CudaProducts products;
    private final CudaActivations activations;
    private final CudaSlots slots;
    private final Kernels kernels;

    CudaExperts(CudaContext context, CudaProducts products, CudaActivations activations, CudaSlots slots) {
        this.context = context;
        this.products = products;
        this.activations = activations;
        this.slots = slots;
        this.kernels = context.kernels("packing");
    }

    /** The rows that {@code count} taken slots are rounded up to, by less than a quarter or 64. */
    static int rows(int count) {
        int unit = Math.max(LEAST_ROWS, Integer.highestOneBit(Math.max(1, count - 1)) / SIZES);
        return (count + unit - 1) / unit * unit;
    }

    /** Rows that suffice however {@code choices} are spread over experts that have {@code slots} slots each. */
    static int mostRows(long choices, int experts, int slots) {
        long spread = choices + choices / SIZES + (long) LEAST_ROWS * experts;
        return Math.toIntExact(Math.min(spread, (long) experts * rows(slots)));
    }

    /** A routing by places: taken slots side by side. */
    private record Packed(Routing routing, int[] counts, int[] firsts) implements AutoCloseable {
        @Override
        public void close() {
            routing.tokenOfSlot().close();
            routing.gateOfSlot().close();
            routing.slotsOfToken().close();
        }
    }

    Tensor experts(Tensor x, Routing routing, Tensor in, Activation activation, Tensor out) {
        require(in.extent(0) == routing.experts() && in.extent(2) == x.extent(-1), "experts", x, in);
        require(out.extent(0) == in.extent(0) && out.extent(1) == x.extent(-1), "experts", in, out);
        CudaTensor first = context.parameter("experts", in);
        CudaTensor second = context.parameter("experts", out);
        try (Packed packed = pack(routing);
                Tensor tokens = slots.dispatch(x, packed.routing());
                CudaTensor hidden = context.compute(tokens.rows(), in.extent(1))) {
            products(packed, cuda(tokens).reshape(tokens.rows(), x.extent(-1)), first, hidden);
            try (Tensor active = activations.activation(hidden, activation, Dropout.NONE);
                    CudaTensor results = context.compute(tokens.rows(), x.extent(-1))) {
                products(packed, cuda(active), second, results);
                return slots.combine(results, packed.routing());
            }
        }
    }

    /** y = x w[e]^T for every expert's rows; those behind them are left as they are. */
    private void products(Packed packed, CudaTensor x, CudaTensor w, CudaTensor y) {
        for (int e = 0; e < packed.counts().length; e++) {
            int rows = rows(packed.counts()[e]);
            if (rows > 0) {
                int first = packed.firsts()[e];
                products.product(
                        rows,
                        w.extent(1),
                        w.extent(2),
                        1,
                        x.slice(first, first + rows),
                        NONE,
                        w.slice(e, e + 1).reshape(w.extent(1), w.extent(2)),
                        TRANSPOSED,
                        0,
                        y.slice(first, first + rows));
            }
        }
    }

    private Packed pack(Routing routing) {
        int experts = routing.experts();
        int wide = routing.plan().slots();
        int places = mostRows(routing.slotsOfToken().size(), experts, wide);
        CudaTensor tokenOfSlot = cuda(routing.tokenOfSlot());
        int[] counts = counts(tokenOfSlot, experts, wide);
        int[] firsts = new int[experts + 1];
        for (int e = 0; e + 1 < experts; e++) {
            firsts[e + 1] = firsts[e] + rows(counts[e]);
        }
        firsts[experts] = places;
        CudaTensor tokenOfPlace = context.allocate(DType.INT32, 1, places);
        CudaTensor gateOfPlace = context.master(1, places);
        CudaTensor placesOfToken =
                context.allocate(DType.INT32, routing.slotsOfToken().shape());
        try (CudaTensor firstPlaces = context.allocate(DType.INT32, experts + 1);
                CudaTensor placeOfSlot = context.allocate(DType.INT32, experts, wide)) {
            upload(firstPlaces, firsts);
            kernels.launch(
                    "pack_slots",
                    Launch.of(experts, THREADS),
                    tokenOfSlot,
                    cuda(routing.gateOfSlot()),
                    wide,
                    firstPlaces,
                    tokenOfPlace,
                    gateOfPlace,
                    placeOfSlot);
            kernels.launch(
                    "places_of_slots",
                    Launch.covering(placesOfToken.size(), THREADS, THREADS),
                    cuda(routing.slotsOfToken()),
                    placeOfSlot,
                    placesOfToken,
                    placesOfToken.size());
        }
        Routing packed = new Routing(
                routing.plan(),
                routing.probabilities(),
                routing.logSumExp(),
                tokenOfPlace,
                gateOfPlace,
                placesOfToken,
                routing.firstChoice(),
                routing.demand(),
                routing.statistics());
        return new Packed(packed, counts, firsts);
    }

    private int[] counts(CudaTensor tokenOfSlot, int experts, int wide) {
        ByteBuffer bytes = integers(experts);
        try (CudaTensor counts = context.allocate(DType.INT32, experts)) {
            kernels.launch("count_slots", Launch.of(experts, THREADS), tokenOfSlot, wide, counts);
            context.device().download(counts.address(), bytes);
        }
        int[] values = new int[experts];
        bytes.asIntBuffer().get(values);
        return values;
    }

    private void upload(CudaTensor target, int[] values) {
        ByteBuffer bytes = integers(values.length);
        bytes.asIntBuffer().put(values);
        context.device().upload(target.address(), bytes);
    }

    private static ByteBuffer integers(int count) {
        return ByteBuffer.allocateDirect(count * Integer.BYTES).order(ByteOrder.nativeOrder());
    }
}
