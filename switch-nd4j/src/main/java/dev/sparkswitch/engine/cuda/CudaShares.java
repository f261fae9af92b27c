package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.ExpertShares;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/**
 * What experts of different sizes differ in, on the card. A model has few such lists and they never change, so each is brought
 * there once and not with every batch, which would have to wait for all work before it.
 */
final class CudaShares {
    /**
     * @param capacities slots of each expert in a group [E], int32; null where all have the plan's
     * @param weights factors of the balance loss [E], float32; null where all are 1
     */
    record OnCard(CudaTensor capacities, CudaTensor weights) {
        static final OnCard EQUAL = new OnCard(null, null);
    }

    private final CudaContext context;
    private final Map<ExpertShares, OnCard> known = new HashMap<>();

    CudaShares(CudaContext context) {
        this.context = context;
    }

    OnCard of(ExpertShares shares) {
        return shares.equal() ? OnCard.EQUAL : known.computeIfAbsent(shares, this::upload);
    }

    private OnCard upload(ExpertShares shares) {
        int experts = shares.weights().size();
        ByteBuffer capacities = numbers(experts);
        shares.capacities().forEach(capacities::putInt);
        ByteBuffer weights = numbers(experts);
        shares.weights().forEach(weight -> weights.putFloat(weight.floatValue()));
        OnCard onCard = new OnCard(context.allocate(DType.INT32, experts), context.allocate(DType.FLOAT32, experts));
        context.device().upload(onCard.capacities().address(), capacities.flip());
        context.device().upload(onCard.weights().address(), weights.flip());
        return onCard;
    }

    private static ByteBuffer numbers(int size) {
        return ByteBuffer.allocateDirect(size * Integer.BYTES).order(ByteOrder.nativeOrder());
    }
}
