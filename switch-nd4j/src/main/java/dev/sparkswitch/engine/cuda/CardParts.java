package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Tensor;

/**
 * Equal parts of a tensor in a card's memory, one for each member of a group, each of one or more rows.
 *
 * @param address of the first
 * @param stride bytes from one part to the next
 * @param rows of each part
 * @param rowStride bytes from one row of a part to the next
 * @param rowBytes of each row
 */
record CardParts(long address, long stride, int rows, long rowStride, long rowBytes) {
    /** The rows of a matrix or of a view of columns, one for each member; or [:, i, :] of three axes for the i-th. */
    static CardParts of(Tensor tensor, int members) {
        CudaTensor found = unsplit("allToAll", tensor);
        int element = found.type().bytes();
        long width = (long) found.extent(-1) * element;
        if (found.axes() == 2 && found.extent(0) == members) {
            return new CardParts(found.address(), (long) found.rowStride() * element, 1, 0, width);
        }
        if (found.axes() == 3 && found.extent(1) == members && found.contiguous()) {
            return new CardParts(found.address(), width, found.extent(0), members * width, width);
        }
        throw new IllegalArgumentException("allToAll among " + members + " does not take " + tensor);
    }

    /** All of a tensor that lies in one piece. */
    static CardParts whole(String operation, Tensor tensor) {
        CudaTensor found = unsplit(operation, tensor);
        found.requireContiguous(operation);
        return new CardParts(
                found.address(), 0, 1, 0, found.size() * found.type().bytes());
    }

    private static CudaTensor unsplit(String operation, Tensor tensor) {
        CudaTensor found = CudaContext.cuda(tensor);
        if (found.isSplit()) {
            throw new IllegalArgumentException(operation + " takes no parameter: " + tensor);
        }
        return found;
    }

    /** The address of a row of a member's part. */
    long at(int member, int row) {
        return address + member * stride + row * rowStride;
    }

    /** Bytes of a part. */
    long bytes() {
        return rows * rowBytes;
    }

    /** The same parts in rows like those of {@code other}, if that has more. */
    CardParts cutLike(CardParts other) {
        if (bytes() != other.bytes() || (rows != other.rows && rows != 1 && other.rows != 1)) {
            throw new IllegalArgumentException("allToAll does not send " + this + " as " + other);
        }
        return rows >= other.rows ? this : new CardParts(address, stride, other.rows, other.rowBytes, other.rowBytes);
    }
}
