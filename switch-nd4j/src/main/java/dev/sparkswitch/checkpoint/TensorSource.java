package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * A tensor that is to be written, and where its bytes come from when its turn has come.
 *
 * @param info what it is
 * @param content hands over its bytes, little-endian and row-major
 */
public record TensorSource(TensorInfo info, Content content) {
    /** Hands over a tensor's bytes. */
    @FunctionalInterface
    public interface Content {
        /** Calls {@code sink} with the bytes, in order, in as many pieces as it likes. */
        void send(Sink sink) throws IOException;
    }

    /** Takes a tensor's bytes. */
    @FunctionalInterface
    public interface Sink {
        /** Takes the bytes from position to limit; the buffer may be reused afterwards. */
        void accept(ByteBuffer piece) throws IOException;
    }

    /**
     * A tensor in memory.
     *
     * @param data its bytes from position to limit, in native order; asked for once, when the tensor is written
     */
    public static TensorSource of(String name, DType type, List<Integer> shape, Supplier<ByteBuffer> data) {
        return new TensorSource(
                new TensorInfo(name, SafetensorsType.of(type), shape),
                sink -> sink.accept(data.get().duplicate().order(ByteOrder.LITTLE_ENDIAN)));
    }

    /** A tensor in memory; see {@link #of(String, DType, List, Supplier)}. */
    public static TensorSource of(String name, DType type, int[] shape, ByteBuffer data) {
        return of(name, type, IntStream.of(shape).boxed().toList(), () -> data);
    }

    /** The tensor {@code name} of {@code store}, copied piece by piece. */
    public static TensorSource of(TensorStore store, String name) {
        TensorInfo info = store.info(name);
        return new TensorSource(info, sink -> {
            ByteBuffer piece = ByteBuffer.allocate((int) Math.min(Chunks.BYTES, info.bytes()))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (long offset = 0; offset < info.bytes(); offset += Chunks.BYTES) {
                piece.clear().limit((int) Math.min(Chunks.BYTES, info.bytes() - offset));
                store.read(name, offset, piece);
                sink.accept(piece.flip());
            }
        });
    }

    /** Tensors in their order, cut into runs of at most {@code bytes} together; a larger one has a run of its own. */
    static List<List<TensorSource>> blocks(List<TensorSource> tensors, long bytes) {
        List<List<TensorSource>> blocks = new ArrayList<>();
        long filled = 0;
        for (TensorSource tensor : tensors) {
            long size = tensor.info().bytes();
            if (blocks.isEmpty() || filled + size > bytes) {
                blocks.add(new ArrayList<>());
                filled = 0;
            }
            blocks.get(blocks.size() - 1).add(tensor);
            filled += size;
        }
        return blocks;
    }

    /** The same values under another name. */
    public TensorSource renamed(String name) {
        return new TensorSource(new TensorInfo(name, info.type(), info.shape()), content);
    }

    /**
     * The same tensor, refused where it holds an infinity or no number; its pieces must be whole elements.
     *
     * @param where what it comes from, for the message
     */
    public TensorSource finite(String where) {
        return new TensorSource(info, sink -> {
            long[] seen = {0};
            content.send(piece -> {
                long bad = Numbers.firstNotFinite(piece.duplicate().order(ByteOrder.LITTLE_ENDIAN), info.type());
                if (bad >= 0) {
                    throw notFinite(where, info.name(), seen[0] + bad);
                }
                seen[0] += piece.remaining() / info.type().bytes();
                sink.accept(piece);
            });
        });
    }

    static UserException notFinite(String where, String name, long element) {
        return new UserException("In " + where + " the tensor " + name + " holds a value that is not finite, element "
                + element + ": this model is broken.");
    }

    /**
     * The same tensor, converted to {@code type} on its way; its pieces must be whole elements. Sending it fails with a
     * {@link UserException} where a value is too large for {@code type}.
     */
    public TensorSource as(SafetensorsType type) {
        if (type == info.type()) {
            return this;
        }
        return new TensorSource(info.as(type), sink -> content.send(piece -> convert(piece, type, sink)));
    }

    private void convert(ByteBuffer piece, SafetensorsType type, Sink sink) throws IOException {
        int elements = Chunks.BYTES / Math.max(type.bytes(), info.type().bytes());
        ByteBuffer from = piece.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer to = ByteBuffer.allocate(elements * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        while (from.hasRemaining()) {
            int count = Math.min(elements, from.remaining() / info.type().bytes());
            to.clear();
            Numbers.convert(info.name(), from, info.type(), to, type, count);
            to.flip();
            if (Numbers.firstNotFinite(to, type) >= 0) {
                throw new UserException("Tensor " + info.name() + " holds a value that " + type
                        + " cannot hold: choose a type with a wider range.");
            }
            sink.accept(to);
        }
    }
}
