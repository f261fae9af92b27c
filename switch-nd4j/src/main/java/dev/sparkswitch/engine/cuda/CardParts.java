package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Tensor;

/**
 * Equal parts of a tensor in a card's memory, one for each member of a group.
 *
 * @param address of the first
 * @param stride bytes from one to the next
 * @param bytes of each
 */
record CardParts(long address, long stride, long bytes) {
    /** The parts of a whole tensor, or the rows of a view of columns. */
    static CardParts of(Tensor tensor, int members) {
        CudaTensor found = unsplit("allToAll", tensor);
        long bytes = found.size() * found.type().bytes();
        boolean rows = found.contiguous() ? bytes % members == 0 : found.rows() == members;
        if (!rows) {
            throw new IllegalArgumentException("allToAll among " + members + " does not take " + tensor);
        }
        long part = bytes / members;
        long stride = found.contiguous()
                ? part
                : (long) found.rowStride() * found.type().bytes();
        return new CardParts(found.address(), stride, part);
    }

    /** A tensor that operations between cards take as one piece of memory. */
    static CudaTensor whole(String operation, Tensor tensor) {
        CudaTensor found = unsplit(operation, tensor);
        found.requireContiguous(operation);
        return found;
    }

    private static CudaTensor unsplit(String operation, Tensor tensor) {
        CudaTensor found = CudaContext.cuda(tensor);
        if (found.isSplit()) {
            throw new IllegalArgumentException(operation + " takes no parameter: " + tensor);
        }
        return found;
    }

    /** The address of the part of a member. */
    long at(int member) {
        return address + member * stride;
    }

    /** Throws where these parts cannot be sent to receive {@code others}. */
    void requireLike(CardParts others) {
        if (bytes != others.bytes) {
            throw new IllegalArgumentException(
                    "allToAll does not receive " + others.bytes + " bytes for each " + bytes + " that it sends");
        }
    }
}
