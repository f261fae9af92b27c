package dev.sparkswitch.collective;

import dev.sparkswitch.collective.Operation.Kind;
import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Checks the arguments of a rank's calls and numbers them, group by group. */
final class OperationLog {
    private final int rank;
    private final int worldSize;
    private final Map<RankGroup, Long> done = new HashMap<>();

    OperationLog(int rank, int worldSize) {
        this.rank = rank;
        this.worldSize = worldSize;
    }

    Operation allReduce(ByteBuffer data, DType type, RankGroup group) {
        check(data, "data");
        if (type != DType.FLOAT32 && type != DType.FLOAT64) {
            throw new IllegalArgumentException("sums are taken of FLOAT32 or FLOAT64, not of " + type);
        }
        if (data.remaining() % type.bytes() != 0) {
            throw new IllegalArgumentException(
                    data.remaining() + " bytes are not a whole number of " + type + " elements");
        }
        return next(Kind.ALL_REDUCE, data.remaining(), type, Operation.NO_ROOT, group);
    }

    Operation allToAll(List<ByteBuffer> send, List<ByteBuffer> receive, RankGroup group) {
        long bytes = bytes(send, group, "send");
        long received = bytes(receive, group, "receive");
        if (bytes != received) {
            throw new IllegalArgumentException("send holds " + bytes + " bytes, receive " + received);
        }
        return next(Kind.ALL_TO_ALL, bytes, null, Operation.NO_ROOT, group);
    }

    /** Of all parts together. */
    private static long bytes(List<ByteBuffer> parts, RankGroup group, String name) {
        if (parts.isEmpty() || parts.size() % group.size() != 0) {
            throw new IllegalArgumentException(name + " has " + parts.size() + " parts for " + group.size() + " ranks");
        }
        int part = parts.get(0).remaining();
        for (ByteBuffer each : parts) {
            check(each, name);
            if (each.remaining() != part) {
                throw new IllegalArgumentException(
                        name + " has parts of " + part + " and of " + each.remaining() + " bytes");
            }
        }
        return (long) part * parts.size();
    }

    Operation broadcast(ByteBuffer data, int root, RankGroup group) {
        check(data, "data");
        if (group.indexOf(root) < 0) {
            throw new IllegalArgumentException("root " + root + " is not in the group " + group.ranks());
        }
        return next(Kind.BROADCAST, data.remaining(), null, root, group);
    }

    Operation barrier(RankGroup group) {
        return next(Kind.BARRIER, 0, null, Operation.NO_ROOT, group);
    }

    private Operation next(Kind kind, long bytes, DType type, int root, RankGroup group) {
        if (group.indexOf(rank) < 0) {
            throw new IllegalArgumentException("rank " + rank + " is not in the group " + group.ranks());
        }
        int last = group.ranks().get(group.size() - 1);
        if (group.ranks().get(0) < 0 || last >= worldSize) {
            throw new IllegalArgumentException(
                    "the group " + group.ranks() + " goes beyond the world of " + worldSize + " ranks");
        }
        long ordinal = done.merge(group, 1L, Long::sum) - 1;
        return new Operation(kind, ordinal, bytes, type, root, group);
    }

    static void check(ByteBuffer buffer, String name) {
        if (!buffer.isDirect() || buffer.order() != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException(name + " must be a direct buffer in native byte order");
        }
    }
}
