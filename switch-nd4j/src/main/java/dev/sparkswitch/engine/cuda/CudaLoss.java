package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;
import static dev.sparkswitch.engine.cuda.Product.Turn.NONE;
import static dev.sparkswitch.engine.cuda.Product.Turn.TRANSPOSED;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Engine.LossGradient;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;

/** The output head: logits, losses and their gradients. */
final class CudaLoss {
    /**
     * Memory for logits. Few large pieces: each adds to the whole gradient of the head, which costs 8 bytes an element of
     * it, as much as 2 logits.
     */
    static final long LOGIT_BYTES = 256L << 20;
    /** Pieces are multiples of the tiles that products are made of. */
    private static final int TILE_ROWS = 128;
    /** Rows of logits begin at multiples of so many float32, for wide accesses. */
    private static final int ROW_ALIGNMENT = 8;

    private static final int THREADS = 1024;

    private final CudaContext context;
    private final CudaProducts products;
    private final Kernels kernels;
    private final Kernels distillations;
    private final long logitBytes;

    CudaLoss(CudaContext context, CudaProducts products) {
        this(context, products, LOGIT_BYTES);
    }

    CudaLoss(CudaContext context, CudaProducts products, long logitBytes) {
        this.context = context;
        this.products = products;
        this.kernels = context.kernels("loss");
        this.distillations = context.kernels("distillation");
        this.logitBytes = logitBytes;
    }

    /** Rows of logits and how they lie in memory. */
    private record Pieces(int rows, int stride) {}

    private static int stride(int vocabulary) {
        return (vocabulary + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
    }

    private Pieces pieces(int tokens, int vocabulary) {
        int stride = stride(vocabulary);
        long fitting = Math.max(1, logitBytes / ((long) stride * Float.BYTES));
        long count = (tokens + fitting - 1) / fitting;
        int even = (int) ((tokens + count - 1) / Math.max(1, count));
        int tiled = (even + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
        return new Pieces(Math.min(tokens, tiled <= fitting ? tiled : even), stride);
    }

    /** The columns of a piece that are logits. */
    private void logits(Tensor hidden, CudaTensor w, double scale, CudaTensor target) {
        products.product(hidden.rows(), w.extent(0), w.extent(1), scale, cuda(hidden), NONE, w, TRANSPOSED, 0, target);
    }

    private CudaTensor checked(String operation, Tensor hidden, Tensor w) {
        require(hidden.extent(1) == w.extent(1), operation, hidden, w);
        return context.parameter(operation, w);
    }

    Tensor tokenLoss(Tensor hidden, Tensor w, Tensor targets, LossSettings settings) {
        CudaTensor weights = checked("tokenLoss", hidden, w);
        int vocabulary = w.extent(0);
        int tokens = hidden.rows();
        CudaTensor losses = context.master(tokens);
        Pieces pieces = pieces(tokens, vocabulary);
        try (CudaTensor memory = context.master(pieces.rows(), pieces.stride())) {
            for (int first = 0; first < tokens; first += pieces.rows()) {
                int last = Math.min(tokens, first + pieces.rows());
                CudaTensor part = memory.slice(0, last - first).columns(0, vocabulary);
                logits(hidden.slice(first, last), weights, settings.logitScale(), part);
                kernels.launch(
                        "token_losses",
                        Launch.of(last - first, THREADS),
                        part,
                        (long) pieces.stride(),
                        cuda(targets).address() + (long) first * Integer.BYTES,
                        vocabulary,
                        (float) settings.labelSmoothing(),
                        (float) settings.zLoss(),
                        losses.slice(first, last));
            }
        }
        return losses;
    }

    /** Turns a piece's logits into their gradient and notes the losses of rows {@code first} to {@code last}. */
    private interface Piece {
        void differentiate(CudaTensor logits, int stride, int first, int last, CudaTensor losses);
    }

    LossGradient tokenLossGradient(
            Tensor hidden, Tensor w, Tensor targets, LossSettings settings, double weight, Tensor dw) {
        return gradient(
                "tokenLossGradient",
                hidden,
                w,
                settings.logitScale(),
                dw,
                pieces(hidden.rows(), w.extent(0)),
                (logits, stride, first, last, losses) -> kernels.launch(
                        "token_loss_gradients",
                        Launch.of(last - first, THREADS),
                        logits,
                        (long) stride,
                        cuda(targets).address() + (long) first * Integer.BYTES,
                        w.extent(0),
                        (float) settings.labelSmoothing(),
                        (float) settings.zLoss(),
                        (float) weight,
                        losses));
    }

    LossGradient distillationGradient(
            Tensor hidden,
            Tensor w,
            Tensor targets,
            SoftTargets soft,
            DistillationSettings settings,
            double weight,
            Tensor dw) {
        int vocabulary = w.extent(0);
        // A row takes room twice: the student's logits and the teacher's.
        Pieces pieces = pieces(hidden.rows(), 2 * vocabulary);
        int stride = stride(vocabulary);
        String kernel =
                soft instanceof SoftTargets.OfTeacher ? "distillation_of_logits" : "distillation_of_probabilities";
        try (CudaTensor memory = context.master(pieces.rows(), stride)) {
            return gradient(
                    "distillationGradient",
                    hidden,
                    w,
                    settings.hard().logitScale(),
                    dw,
                    new Pieces(pieces.rows(), stride),
                    (logits, unused, first, last, losses) -> {
                        CudaTensor teacher = memory.slice(0, last - first).columns(0, vocabulary);
                        teach(soft, first, last, teacher);
                        distillations.launch(
                                kernel,
                                Launch.of(last - first, THREADS),
                                logits,
                                teacher,
                                (long) stride,
                                cuda(targets).address() + (long) first * Integer.BYTES,
                                vocabulary,
                                (float) settings.hard().labelSmoothing(),
                                (float) settings.hard().zLoss(),
                                (float) settings.softShare(),
                                (float) settings.temperature(),
                                (float) weight,
                                losses);
                    });
        }
    }

    /** Writes a teacher's logits, or the probabilities that were kept of them, for rows {@code first} to {@code last}. */
    private void teach(SoftTargets soft, int first, int last, CudaTensor target) {
        if (soft instanceof SoftTargets.OfTeacher whole) {
            CudaTensor weights = checked("distillationGradient", whole.hidden(), whole.w());
            require(weights.extent(0) == target.extent(1), "distillationGradient", target, weights);
            logits(whole.hidden().slice(first, last), weights, whole.logitScale(), target);
            return;
        }
        SoftTargets.TopK top = (SoftTargets.TopK) soft;
        distillations.launch(
                "spread_soft_targets",
                Launch.of(last - first, THREADS),
                target,
                (long) target.rowStride(),
                cuda(top.ids()).slice(first, last),
                cuda(top.probabilities()).slice(first, last),
                top.ids().extent(1),
                target.extent(1));
    }

    private LossGradient gradient(
            String operation, Tensor hidden, Tensor w, double scale, Tensor dw, Pieces pieces, Piece piece) {
        CudaTensor weights = checked(operation, hidden, w);
        require(Arrays.equals(w.shape(), dw.shape()), operation, w, dw);
        int vocabulary = w.extent(0);
        int width = w.extent(1);
        int tokens = hidden.rows();
        CudaTensor losses = context.master(tokens);
        CudaTensor dHidden = context.compute(hidden.shape());
        try (CudaTensor memory = context.master(pieces.rows(), pieces.stride())) {
            for (int first = 0; first < tokens; first += pieces.rows()) {
                int last = Math.min(tokens, first + pieces.rows());
                int n = last - first;
                CudaTensor rows = cuda(hidden).slice(first, last);
                CudaTensor part = memory.slice(0, n).columns(0, vocabulary);
                logits(rows, weights, scale, part);
                piece.differentiate(part, pieces.stride(), first, last, losses.slice(first, last));
                products.multiply(new Product(
                        n,
                        width,
                        vocabulary,
                        scale,
                        gradient(part, NONE),
                        CudaProducts.operand(weights, NONE),
                        0,
                        CudaProducts.operand(dHidden.slice(first, last), NONE),
                        1));
                products.multiply(new Product(
                        vocabulary,
                        width,
                        n,
                        scale,
                        gradient(part, TRANSPOSED),
                        CudaProducts.operand(rows, NONE),
                        1,
                        CudaProducts.operand(cuda(dw), NONE),
                        1));
            }
        }
        return new LossGradient(losses, dHidden);
    }

    /** The gradient that was written over a piece's logits: of compute type, in rows of as many bytes. */
    private Product.Operand gradient(CudaTensor part, Product.Turn turn) {
        DType type = context.precision().compute();
        int stride = part.rowStride() * (Float.BYTES / type.bytes());
        return new Product.Operand(part.address(), type, stride, 0, turn);
    }

    Tensor logits(Tensor hidden, Tensor w, double scale) {
        CudaTensor weights = checked("logits", hidden, w);
        CudaTensor y = context.master(hidden.rows(), w.extent(0));
        logits(hidden, weights, scale, y);
        return y;
    }
}
