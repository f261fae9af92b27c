package dev.sparkswitch.engine.cuda;

import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.global.cudart;

/**
 * A card that joins a group.
 *
 * @param context the driver's
 * @param card the driver's number of the card
 * @param shared its blocks that others write to
 * @param access others' access to them
 */
record CardMember(CUctx_st context, int card, SharedBlocks shared, CardAccess access) {
    /** The driver knows a context by thread. */
    void use() {
        Cuda.check(cudart.cuCtxSetCurrent(context), "cuCtxSetCurrent", "a group of cards");
    }

    /** Whether this card can write to the other's memory. */
    boolean reaches(CardMember other) {
        int[] possible = new int[1];
        Cuda.check(cudart.cuDeviceCanAccessPeer(possible, card, other.card), "cuDeviceCanAccessPeer", "card " + card);
        return possible[0] != 0;
    }

    /** Lets this card, whose context is in use, write to the other's memory. */
    void open(CardMember other) {
        int status = cudart.cuCtxEnablePeerAccess(other.context, 0);
        if (status != cudart.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED) {
            Cuda.check(status, "cuCtxEnablePeerAccess", "card " + other.card + " from card " + card);
        }
    }
}
