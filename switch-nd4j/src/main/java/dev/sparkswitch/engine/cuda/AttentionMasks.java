package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * What attention's forward passes keep for their backward passes: the logarithm of each query's sum and, where there is dropout,
 * the mask of kept probabilities, a bit each.
 *
 * <p>Random numbers are arithmetic alone and an optimizer's step is memory alone, so masks are drawn a step ahead, beside the
 * update of the parameters: those that a step asked for, with the numbers of the next one. Whatever is then asked for and not
 * there is drawn on the spot, so that an expectation can cost time and never change a number.
 */
final class AttentionMasks {
    /** As in attention-tiles.cuh and attention-mask.cu: keys that lines are filled up to, threads of a block, keys of a word. */
    private static final int STAYING = 128;

    private static final int THREADS = 256;
    private static final int WORD_KEYS = Integer.SIZE;

    /** The most memory that is taken a step ahead. A step needs it anyway, but later. */
    private static final long MOST_BYTES = 256L << 20;

    private final CudaContext context;
    private final Kernels kernels;
    private final boolean drawsAhead = Switches.isOn(Switches.MASKS_AHEAD);
    /** In the order in which this step asked for them. */
    private final Set<Request> asked = new LinkedHashSet<>();

    /** Memory for the same ones of the next step, until it is known which rows that has. */
    private final Map<Request, Saved> places = new LinkedHashMap<>();

    private final Map<Request, Drawn> ahead = new HashMap<>();

    AttentionMasks(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("attention-mask");
    }

    /**
     * What a forward pass keeps, in one block of memory.
     *
     * @param maskOffset bytes from its beginning to the mask; 0 for none
     */
    record Saved(CudaTensor tensor, long maskOffset) {
        /** The address of the mask; 0 for none. */
        long mask() {
            return maskOffset == 0 ? 0 : tensor.address() + maskOffset;
        }
    }

    private record Drawn(Saved saved, Device.Point end) {}

    /** All that a mask depends on. */
    private record Request(
            AttentionShape shape,
            double rate,
            long seed,
            int step,
            int streamAndLayer,
            long firstRow,
            int firstPlane,
            int totalPlanes) {
        static Request of(AttentionShape shape, Dropout dropout) {
            Philox source = dropout.source();
            return new Request(
                    shape,
                    dropout.rate(),
                    source.seed(),
                    source.step(),
                    source.streamAndLayer(),
                    dropout.firstRow(),
                    dropout.firstPlane(),
                    dropout.totalPlanes());
        }

        /** @param rows by how many sequences the next step's are further on */
        Request ofNextStep(long rows) {
            long lines = rows * shape.heads() * shape.queryLength();
            return new Request(shape, rate, seed, step + 1, streamAndLayer, firstRow + lines, firstPlane, totalPlanes);
        }

        Dropout dropout() {
            Philox source = new Philox(seed, streamAndLayer >>> Short.SIZE, step, streamAndLayer & 0xFFFF);
            return new Dropout(rate, source, firstRow, firstPlane, totalPlanes);
        }
    }

    private static long lines(AttentionShape shape) {
        return (long) shape.rows() * shape.heads() * shape.queryLength();
    }

    /** Where the mask begins, a multiple of 16 bytes; 0 where there is none. */
    private static long maskOffset(AttentionShape shape, Dropout dropout) {
        return dropout.active() ? Math.max(16, (lines(shape) * Float.BYTES + 15) / 16 * 16) : 0;
    }

    private static int maskPitch(AttentionShape shape) {
        return (shape.keyLength() + STAYING - 1) / STAYING * STAYING / Byte.SIZE;
    }

    private static long bytes(AttentionShape shape, Dropout dropout) {
        long offset = maskOffset(shape, dropout);
        return offset == 0 ? lines(shape) * Float.BYTES : offset + lines(shape) * maskPitch(shape);
    }

    private Saved allocate(AttentionShape shape, Dropout dropout) {
        int numbers = Math.toIntExact(bytes(shape, dropout) / Float.BYTES);
        return new Saved(context.allocate(DType.FLOAT32, numbers), maskOffset(shape, dropout));
    }

    private void draw(Saved saved, AttentionShape shape, Dropout dropout) {
        int words = maskPitch(shape) * Byte.SIZE / WORD_KEYS;
        kernels.launch(
                "attention_mask",
                Launch.covering(lines(shape) * words, THREADS, THREADS),
                saved.mask(),
                (int) lines(shape),
                words,
                shape.keyLength(),
                dropout);
    }

    /** Memory for a forward pass, with the mask in its place. The tensor is the caller's. */
    Saved take(AttentionShape shape, Dropout dropout) {
        if (!dropout.active()) {
            return allocate(shape, dropout);
        }
        if (drawsAhead) {
            leavePlaces();
            Request request = Request.of(shape, dropout);
            asked.add(request);
            Drawn drawn = ahead.remove(request);
            if (drawn != null) {
                context.device().follow(drawn.end());
                return drawn.saved();
            }
        }
        Saved saved = allocate(shape, dropout);
        draw(saved, shape, dropout);
        return saved;
    }

    /** What {@link #take} gave, of the tensor. */
    static Saved of(CudaTensor tensor, AttentionShape shape, Dropout dropout) {
        return new Saved(tensor, maskOffset(shape, dropout));
    }

    /** An update of the parameters comes next: takes memory for masks that are drawn beside it. */
    void beforeUpdate() {
        if (asked.isEmpty()) {
            return;
        }
        for (Drawn unused : ahead.values()) {
            // Whoever gets its memory next comes behind what is written there.
            context.device().follow(unused.end());
            unused.saved().tensor().close();
        }
        ahead.clear();
        long taken = 0;
        for (Request request : asked) {
            Dropout dropout = request.dropout();
            taken += bytes(request.shape(), dropout);
            if (taken > MOST_BYTES) {
                break;
            }
            places.put(request, allocate(request.shape(), dropout));
        }
        asked.clear();
        context.device().mark();
    }

    /**
     * The step behind the update has rows that are further on by {@code rows}: draws its masks, beside what was started since
     * {@link #beforeUpdate}.
     */
    void expectStep(long rows) {
        places.forEach((request, saved) -> {
            Request next = request.ofNextStep(rows);
            Dropout dropout = next.dropout();
            ahead.put(next, new Drawn(saved, context.device().beside(() -> draw(saved, next.shape(), dropout))));
        });
        places.clear();
    }

    /** Nobody has said what comes: the memory is needed. */
    private void leavePlaces() {
        places.values().forEach(saved -> saved.tensor().close());
        places.clear();
    }
}
