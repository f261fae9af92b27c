package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.AdamWStep;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Optimizer steps, each one launch over all parameters, and what they measure. */
final class CudaOptimizers {
    private static final int THREADS = 256;
    /** Elements of a sum's thread in one round. */
    private static final int SUM_ELEMENTS = 8;
    /** Blocks of a sum: fixed, so that it is the same on every card. */
    private static final int SUM_BLOCKS = 1056;
    /** More lists than a step has: each share of the parameters is one, and with AdamW two, with weight decay and without. */
    private static final int MOST_LISTS = 16;

    private final CudaContext context;
    private final Kernels adamwKernels;
    private final Kernels sums;
    private final RecentPlans<AdafactorSlot, CudaAdafactor> adafactors;
    private final RecentPlans<AdamWSlot, AdamWPlan> adamws;

    CudaOptimizers(CudaContext context) {
        this(context, AdafactorMemory.of(context.device()));
    }

    CudaOptimizers(CudaContext context, AdafactorMemory adafactorMemory) {
        this.context = context;
        this.adafactors = new RecentPlans<>(MOST_LISTS, slots -> new CudaAdafactor(context, slots, adafactorMemory));
        this.adamws = new RecentPlans<>(MOST_LISTS, slots -> new AdamWPlan(context, slots));
        this.adamwKernels = context.kernels("adamw");
        this.sums = context.kernels("sums");
    }

    double sumSquares(List<Tensor> tensors) {
        int count = 0;
        for (Tensor tensor : tensors) {
            count += sumBlocks(tensor);
        }
        if (count == 0) {
            return 0;
        }
        try (CudaTensor partials = context.allocate(DType.FLOAT64, count + 1)) {
            long at = partials.address() + Double.BYTES;
            for (Tensor tensor : tensors) {
                CudaTensor x = cuda(tensor);
                x.requireContiguous("sumSquares");
                sums.launch(
                        "sum_squares",
                        Launch.of(sumBlocks(x), THREADS),
                        x,
                        x.low(),
                        x.type() == DType.BFLOAT16 ? 1 : 0,
                        x.size(),
                        at);
                at += (long) sumBlocks(x) * Double.BYTES;
            }
            sums.launch(
                    "sum_partials",
                    Launch.of(1, THREADS),
                    partials.address() + Double.BYTES,
                    count,
                    partials.address());
            ByteBuffer result = ByteBuffer.allocateDirect(Double.BYTES).order(ByteOrder.nativeOrder());
            context.device().download(partials.address(), result);
            return result.getDouble(0);
        }
    }

    private static int sumBlocks(Tensor tensor) {
        long each = (long) THREADS * SUM_ELEMENTS;
        return (int) Math.min(SUM_BLOCKS, (tensor.size() + each - 1) / each);
    }

    /** @param squares FLOAT64 [slots]: becomes the sum of squares of each gradient; null where nobody asks */
    void adafactor(AdafactorStep step, List<AdafactorSlot> slots, Tensor squares) {
        checkSquares("adafactor", squares, slots.size());
        adafactors.of(slots).step(step, squares);
    }

    private static void checkSquares(String operation, Tensor squares, int slots) {
        if (squares != null && (squares.type() != DType.FLOAT64 || squares.size() != slots)) {
            throw new IllegalArgumentException(
                    operation + " of " + slots + " slots does not leave sums of squares in " + squares);
        }
    }

    /** @param squares as of {@link #adafactor} */
    void adamw(AdamWStep step, List<AdamWSlot> slots, Tensor squares) {
        checkSquares("adamw", squares, slots.size());
        AdamWPlan plan = adamws.of(slots);
        context.memory().noteParameterWrite();
        adamwKernels.launch(
                "adamw",
                Launch.of(plan.items(), THREADS),
                plan.descriptions(),
                plan.order(),
                (float) step.keep(),
                (float) step.rate(),
                (float) step.secondScale(),
                (float) step.beta1(),
                (float) (1 - step.beta1()),
                (float) step.beta2(),
                (float) (1 - step.beta2()),
                (float) step.epsilon(),
                plan.squares().partials(squares));
        plan.squares().addUp(squares);
    }
}
