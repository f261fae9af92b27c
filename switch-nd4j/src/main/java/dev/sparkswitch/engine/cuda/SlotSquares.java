package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Sums of squares of gradients: an optimizer's blocks leave one each, which are then added up by slot, in their order. */
final class SlotSquares implements AutoCloseable {
    /** As in sums.cu. */
    private static final int THREADS = 256;

    private static final int NUMBERS_A_SLOT = 3;

    private final Kernels sums;
    private final int slots;
    private final CudaTensor partials;
    private final CudaTensor descriptions;

    /**
     * Sums of some of an optimizer's slots.
     *
     * @param counts how many numbers its blocks leave of each, one slot's after the other's
     * @param places where each slot's sum goes
     */
    SlotSquares(CudaContext context, int[] counts, int[] places) {
        this.sums = context.kernels("sums");
        this.slots = counts.length;
        ByteBuffer bytes = ByteBuffer.allocateDirect(NUMBERS_A_SLOT * Integer.BYTES * Math.max(1, slots))
                .order(ByteOrder.nativeOrder());
        int first = 0;
        for (int i = 0; i < slots; i++) {
            bytes.putInt(first).putInt(counts[i]).putInt(places[i]);
            first += counts[i];
        }
        this.partials = context.allocate(DType.FLOAT32, Math.max(1, first));
        this.descriptions = context.allocate(DType.INT32, bytes.capacity() / Integer.BYTES);
        context.device().upload(descriptions.address(), bytes.rewind());
    }

    /** Where a step is to leave its numbers; null where nobody asks for them. */
    CudaTensor partials(Tensor squares) {
        return squares == null ? null : partials;
    }

    /** Adds up what a step has left; nothing where nobody asks. */
    void addUp(Tensor squares) {
        if (squares != null) {
            sums.launch("sum_slots", Launch.of(slots, THREADS), partials, descriptions, cuda(squares));
        }
    }

    @Override
    public void close() {
        partials.close();
        descriptions.close();
    }
}
