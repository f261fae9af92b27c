package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.Normalized;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** The residual stream: sums with dropout and normalisation. */
final class CudaNorms {
    /** Blocks of the forward pass for each multiprocessor: several rounds, so that none waits long for the last. */
    private static final int BLOCKS_A_MULTIPROCESSOR = 12;
    /** Partial sums of a weight's gradient: fixed, so that sums are the same on every card. Two blocks on 132 processors. */
    private static final int PARTIALS = 264;

    private static final int SUM_THREADS = 1024;
    private static final int COLUMNS = 8;
    /** A thread's eight float32 sums. */
    private static final int COLUMN_BYTES = COLUMNS * Float.BYTES;
    /** As in norms.cu: threads of a block that takes rows by whole eights. */
    private static final int WIDE_THREADS = 384;
    /** As many as run at once: each asks for its next row while it is at work on one. */
    private static final int WIDE_BLOCKS_A_MULTIPROCESSOR = 3;

    private static final int ALIGNMENT = 16;

    private final CudaContext context;
    private final Kernels kernels;
    private final boolean takesWide = Switches.isOn(Switches.WIDE_NORMS);

    CudaNorms(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("norms");
    }

    /** Whether rows are whole eights long, begin at multiples of 16 bytes, and suit the blocks of those kernels. */
    private boolean wide(int width, int team, CudaTensor... tensors) {
        if (width % COLUMNS != 0 || RowLaunch.teams(team) * team > WIDE_THREADS || !takesWide) {
            return false;
        }
        for (CudaTensor tensor : tensors) {
            if (tensor != null && tensor.address() % ALIGNMENT != 0) {
                return false;
            }
        }
        return true;
    }

    Normalized addNorm(Tensor h, Tensor delta, Dropout dropout, Tensor weight, double epsilon) {
        int width = h.extent(-1);
        int rows = h.rows();
        require(weight.size() == width, "addNorm", h, weight);
        CudaTensor stream = cuda(h);
        stream.requireContiguous("addNorm");
        CudaTensor added = null;
        if (delta != null) {
            require(delta.size() == h.size() && delta.extent(-1) == width, "addNorm", h, delta);
            added = cuda(delta);
            added.requireContiguous("addNorm");
        }
        CudaTensor weights = context.parameter("addNorm", weight);
        CudaTensor sum = added == null ? stream : context.compute(h.shape());
        CudaTensor normalized = context.compute(h.shape());
        CudaTensor inverseRms = context.master(rows);
        int team = RowLaunch.team(width);
        boolean wide = wide(width, team, stream, added, sum, normalized);
        kernels.launch(
                wide ? "add_norm_wide" : "add_norm",
                RowLaunch.teams(
                        rows,
                        team,
                        (wide ? WIDE_BLOCKS_A_MULTIPROCESSOR : BLOCKS_A_MULTIPROCESSOR)
                                * context.device().multiprocessors()),
                stream,
                added,
                dropout,
                weights,
                weights.low(),
                (float) epsilon,
                sum,
                normalized,
                inverseRms,
                rows,
                width,
                team);
        return new Normalized(sum, normalized, inverseRms);
    }

    Tensor addNormBackward(
            Tensor dNormalized,
            Tensor dSum,
            Tensor sum,
            Tensor inverseRms,
            Tensor weight,
            Tensor dWeight,
            Write write,
            Dropout dropout) {
        int width = sum.extent(-1);
        int rows = sum.rows();
        require(dNormalized.size() == sum.size(), "addNormBackward", dNormalized, sum);
        require(dSum.size() == sum.size(), "addNormBackward", dSum, sum);
        require(dWeight.size() == width, "addNormBackward", dWeight, sum);
        CudaTensor weights = context.parameter("addNormBackward", weight);
        CudaTensor dDelta = dropout.active() ? context.compute(dSum.shape()) : null;
        int team = RowLaunch.team(width);
        Launch launch = RowLaunch.teams(rows, team, PARTIALS);
        try (CudaTensor partials = context.master(launch.blocksX(), width)) {
            kernels.launch(
                    wide(width, team, cuda(dNormalized), cuda(dSum), cuda(sum), dDelta)
                            ? "add_norm_backward_wide"
                            : "add_norm_backward",
                    launch.withShared(launch.threads() * COLUMN_BYTES),
                    cuda(dNormalized),
                    cuda(dSum),
                    cuda(sum),
                    cuda(inverseRms),
                    weights,
                    weights.low(),
                    dropout,
                    dDelta,
                    partials,
                    rows,
                    width,
                    team);
            kernels.launch(
                    "column_sums",
                    Launch.covering(width, Launch.WARP, SUM_THREADS),
                    partials,
                    launch.blocksX(),
                    width,
                    cuda(dWeight),
                    write == Write.ADD ? 1 : 0);
        }
        return dDelta == null ? dSum : dDelta;
    }

    Tensor dropout(Tensor x, Dropout dropout) {
        CudaTensor in = cuda(x);
        in.requireContiguous("dropout");
        int width = x.extent(-1);
        CudaTensor y = context.compute(x.shape());
        kernels.launch(
                "drop_rows",
                RowLaunch.each(x.rows(), width),
                in,
                dropout,
                y,
                RowLaunch.items(x.rows(), width),
                width,
                RowLaunch.itemsARow(width));
        return y;
    }
}
