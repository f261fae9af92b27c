package dev.sparkswitch.collective;

import dev.sparkswitch.collective.Frames.MalformedFrameException;
import dev.sparkswitch.engine.DType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Cuts the bytes of one connection into frames and checks every field before it is used. Payload is not gathered: a
 * piece of a DATA frame is handed on as it came, as a slice of the buffer that was read.
 */
final class FrameDecoder {
    /** Takes what was decoded. */
    interface Sink {
        /** Some payload, possibly none, of {@code operation}; the sink owns the reference. */
        void piece(Operation operation, ByteBuf payload);

        /** The other end says that {@code failedRank} (or -1) failed. */
        void abort(int failedRank, String message);

        /** The other end is done. */
        void goodbye();
    }

    private final int worldSize;
    private final Sink sink;
    private final byte[] header = new byte[Frames.HEADER_BYTES];
    private final Map<Integer, RankGroup> groups = new HashMap<>();
    private int headerBytes;
    private long sequence;

    private Frames.Kind kind;
    private int remaining;
    private int root;
    private int number;
    private Operation operation;
    private byte[] control = {};

    FrameDecoder(int worldSize, Sink sink) {
        this.worldSize = worldSize;
        this.sink = sink;
    }

    /** Decodes all of {@code in}; keeps its reader index at the end. */
    void decode(ByteBuf in) {
        while (in.isReadable()) {
            if (headerBytes < Frames.HEADER_BYTES) {
                int length = Math.min(in.readableBytes(), Frames.HEADER_BYTES - headerBytes);
                in.readBytes(header, headerBytes, length);
                headerBytes += length;
                if (headerBytes < Frames.HEADER_BYTES) {
                    return;
                }
                begin();
                if (remaining == 0) {
                    end(in);
                }
            } else if (kind == Frames.Kind.DATA) {
                int length = Math.min(in.readableBytes(), remaining);
                remaining -= length;
                sink.piece(operation, in.readRetainedSlice(length));
                if (remaining == 0) {
                    headerBytes = 0;
                }
            } else {
                int length = Math.min(in.readableBytes(), remaining);
                in.readBytes(control, control.length - remaining, length);
                remaining -= length;
                if (remaining == 0) {
                    end(in);
                }
            }
        }
    }

    private void begin() {
        ByteBuf fields = Unpooled.wrappedBuffer(header);
        int magic = fields.readInt();
        if (magic != Frames.MAGIC) {
            throw new MalformedFrameException("bytes that begin no frame (0x" + Integer.toHexString(magic) + ")");
        }
        kind = element(Frames.Kind.values(), fields.readByte(), "frame kind");
        Operation.Kind operationKind = element(Operation.Kind.values(), fields.readByte(), "operation");
        DType type = Frames.type(fields.readByte());
        fields.skipBytes(1);
        long met = fields.readLong();
        if (met != sequence) {
            throw new MalformedFrameException("frame " + met + " where frame " + sequence + " was due");
        }
        sequence++;
        long ordinal = fields.readLong();
        long bytes = fields.readLong();
        int group = fields.readInt();
        root = fields.readInt();
        remaining = fields.readInt();
        if (root < -1 || root >= worldSize) {
            throw new MalformedFrameException("a frame that names rank " + root + " of " + worldSize);
        }
        checkPayload();
        if (kind == Frames.Kind.DATA) {
            begin(operationKind, type, ordinal, bytes, group);
        } else {
            number = group;
            control = new byte[remaining];
        }
    }

    private void begin(Operation.Kind operationKind, DType type, long ordinal, long bytes, int group) {
        RankGroup ranks = groups.get(group);
        if (ranks == null) {
            throw new MalformedFrameException("a frame of the unknown group " + group);
        }
        if (ordinal < 0 || bytes < 0) {
            throw new MalformedFrameException("a frame of operation #" + ordinal + " of " + bytes + " bytes");
        }
        boolean same = operation != null
                && operation.kind() == operationKind
                && operation.type() == type
                && operation.ordinal() == ordinal
                && operation.bytes() == bytes
                && operation.root() == root
                && operation.group() == ranks;
        if (!same) {
            operation = new Operation(operationKind, ordinal, bytes, type, root, ranks);
        }
    }

    private void checkPayload() {
        int most =
                switch (kind) {
                    case DATA -> Frames.DATA_BYTES;
                    case GROUP -> worldSize * Integer.BYTES;
                    case ABORT -> Frames.ABORT_BYTES;
                    case GOODBYE -> 0;
                };
        if (remaining < 0 || remaining > most) {
            throw new MalformedFrameException("a " + kind + " frame of " + remaining + " bytes, more than " + most);
        }
    }

    private void end(ByteBuf in) {
        headerBytes = 0;
        switch (kind) {
            case DATA -> sink.piece(operation, in.readRetainedSlice(0));
            case GROUP -> groups.put(number, group());
            case ABORT -> sink.abort(root, new String(control, StandardCharsets.UTF_8));
            case GOODBYE -> sink.goodbye();
        }
    }

    private RankGroup group() {
        if (groups.size() >= Frames.GROUPS || control.length % Integer.BYTES != 0) {
            throw new MalformedFrameException("group " + number + " in " + control.length + " bytes");
        }
        List<Integer> ranks = new ArrayList<>(control.length / Integer.BYTES);
        ByteBuf content = Unpooled.wrappedBuffer(control);
        while (content.isReadable()) {
            ranks.add(content.readInt());
        }
        try {
            return new RankGroup(ranks);
        } catch (IllegalArgumentException e) {
            throw new MalformedFrameException("a group that is none: " + e.getMessage());
        }
    }

    private static <E extends Enum<E>> E element(E[] values, byte code, String name) {
        if (code < 0 || code >= values.length) {
            throw new MalformedFrameException("a frame of the unknown " + name + " " + code);
        }
        return values[code];
    }
}
