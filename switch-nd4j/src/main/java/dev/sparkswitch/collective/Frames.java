package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;

/**
 * The frames between two ranks that know each other. Big-endian header of {@value #HEADER_BYTES} bytes, then the
 * payload in the bytes of the host:
 *
 * <pre>
 * int magic, byte frame kind, byte operation kind, byte element type (or -1), byte 0,
 * long sequence, long ordinal, long operation bytes, int group, int root, int payload bytes
 * </pre>
 *
 * A GROUP frame names the ranks behind a group's number before the first DATA frame that uses it. An ABORT frame says
 * which rank failed and why; GOODBYE says that its sender is done and will close.
 */
final class Frames {
    static final int HEADER_BYTES = 44;
    /** The most payload of a DATA frame; a longer message is cut. */
    static final int DATA_BYTES = 256 * 1024;
    /** The most payload of an ABORT frame; a longer cause is cut. */
    static final int ABORT_BYTES = 16 * 1024;
    /** The most groups that a rank may name. */
    static final int GROUPS = 4096;

    static final int MAGIC = 0x5353_5746;
    static final byte NO_TYPE = -1;

    /** What a frame is; a kind's ordinal is its code on the wire. */
    enum Kind {
        DATA,
        GROUP,
        ABORT,
        GOODBYE
    }

    private Frames() {}

    static ByteBuf data(ByteBufAllocator allocator, long sequence, Operation operation, int group, int payload) {
        ByteBuf header = start(allocator, Kind.DATA, 0);
        header.writeByte(operation.kind().ordinal());
        header.writeByte(operation.type() == null ? NO_TYPE : operation.type().ordinal());
        header.writeByte(0);
        header.writeLong(sequence).writeLong(operation.ordinal()).writeLong(operation.bytes());
        return header.writeInt(group).writeInt(operation.root()).writeInt(payload);
    }

    static ByteBuf group(ByteBufAllocator allocator, long sequence, int number, RankGroup group) {
        int payload = group.size() * Integer.BYTES;
        ByteBuf frame = control(allocator, Kind.GROUP, sequence, number, Operation.NO_ROOT, payload);
        for (int rank : group.ranks()) {
            frame.writeInt(rank);
        }
        return frame;
    }

    static ByteBuf abort(ByteBufAllocator allocator, long sequence, CollectiveException cause) {
        byte[] text = String.valueOf(cause.getMessage()).getBytes(StandardCharsets.UTF_8);
        int length = Math.min(text.length, ABORT_BYTES);
        return control(allocator, Kind.ABORT, sequence, 0, cause.failedRank(), length)
                .writeBytes(text, 0, length);
    }

    static ByteBuf goodbye(ByteBufAllocator allocator, long sequence) {
        return control(allocator, Kind.GOODBYE, sequence, 0, Operation.NO_ROOT, 0);
    }

    /** The element type of a code on the wire. */
    static DType type(byte code) {
        if (code == NO_TYPE) {
            return null;
        }
        DType[] types = DType.values();
        if (code < 0 || code >= types.length) {
            throw new MalformedFrameException("a frame of the unknown element type " + code);
        }
        return types[code];
    }

    private static ByteBuf control(
            ByteBufAllocator allocator, Kind kind, long sequence, int group, int root, int payload) {
        ByteBuf header = start(allocator, kind, payload);
        header.writeByte(0).writeByte(NO_TYPE).writeByte(0);
        header.writeLong(sequence).writeLong(0).writeLong(0);
        return header.writeInt(group).writeInt(root).writeInt(payload);
    }

    private static ByteBuf start(ByteBufAllocator allocator, Kind kind, int payload) {
        return allocator.directBuffer(HEADER_BYTES + payload).writeInt(MAGIC).writeByte(kind.ordinal());
    }

    /** Bytes that are no frame of ours. */
    static final class MalformedFrameException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        MalformedFrameException(String message) {
            super(message, null, false, false);
        }
    }
}
