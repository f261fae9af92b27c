package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;

/** What adamw.cu needs to know of a list of parameters: where each lies, and its tiles. Made once and kept on the card. */
final class AdamWPlan implements RecentPlans.Plan {
    /** As in adamw.cu: bytes of a slot's description and elements of a tile. */
    private static final int SLOT_BYTES = 56;

    private static final int TILE = 8192;

    private final CudaTensor descriptions;
    private final CudaTensor items;
    private final int count;
    private final SlotSquares squares;

    AdamWPlan(CudaContext context, List<AdamWSlot> slots) {
        long tiles = 0;
        for (AdamWSlot slot : slots) {
            tiles += tiles(slot);
        }
        this.count = Math.toIntExact(tiles);
        ByteBuffer bytes = ByteBuffer.allocateDirect(SLOT_BYTES * slots.size()).order(ByteOrder.nativeOrder());
        ByteBuffer order = ByteBuffer.allocateDirect(count * Long.BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < slots.size(); i++) {
            AdamWSlot slot = slots.get(i);
            CudaTensor value = context.parameter("adamw", slot.value());
            bytes.putLong(value.address())
                    .putLong(value.low())
                    .putLong(address(slot, slot.gradient()))
                    .putLong(address(slot, slot.firstMoments()))
                    .putLong(address(slot, slot.secondMoments()))
                    .putLong(value.size())
                    .putLong(slot.gradient().type() == DType.BFLOAT16 ? 1 : 0);
            for (long tile = 0; tile < tiles(slot); tile++) {
                order.putLong((long) i << 32 | tile);
            }
        }
        this.descriptions = uploaded(context, bytes.flip());
        this.items = uploaded(context, order.flip());
        this.squares = new SlotSquares(
                context,
                slots.stream().mapToInt(slot -> (int) tiles(slot)).toArray(),
                IntStream.range(0, slots.size()).toArray());
    }

    private static long tiles(AdamWSlot slot) {
        return (slot.value().size() + TILE - 1) / TILE;
    }

    private static long address(AdamWSlot slot, Tensor tensor) {
        require(slot.value().size() == tensor.size(), "adamw", slot.value(), tensor);
        cuda(tensor).requireContiguous("adamw");
        return cuda(tensor).address();
    }

    private static CudaTensor uploaded(CudaContext context, ByteBuffer bytes) {
        CudaTensor tensor = context.allocate(DType.INT64, Math.max(1, bytes.remaining() / Long.BYTES));
        context.device().upload(tensor.address(), bytes);
        return tensor;
    }

    /** Tiles of all slots, each a block. */
    int items() {
        return count;
    }

    /** The slots as adamw.cu describes them. */
    CudaTensor descriptions() {
        return descriptions;
    }

    /** The tiles. */
    CudaTensor order() {
        return items;
    }

    /** The sums of squares of gradients: a number a tile. */
    SlotSquares squares() {
        return squares;
    }

    @Override
    public void close() {
        squares.close();
        descriptions.close();
        items.close();
    }
}
