package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Tensor;

/** The non-linearities of feed-forward layers. */
final class CudaActivations {
    private final CudaContext context;
    private final Kernels kernels;

    CudaActivations(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("activations");
    }

    private static String kernel(Activation activation) {
        return switch (activation) {
            case RELU -> "relu";
            case GATED_GELU -> "gated_gelu";
        };
    }

    /** Planes of the dropout are the first of three axes. */
    private static int rowsInPlane(Tensor y) {
        return Math.max(1, y.axes() == 3 ? y.extent(1) : y.rows());
    }

    Tensor activation(Tensor x, Activation activation, Dropout dropout) {
        CudaTensor in = cuda(x);
        in.requireContiguous("activation");
        int[] shape = x.shape();
        int width = x.extent(-1) / activation.branches();
        shape[shape.length - 1] = width;
        CudaTensor y = context.compute(shape);
        kernels.launch(
                kernel(activation),
                RowLaunch.each(y.rows(), width),
                in,
                dropout,
                y,
                RowLaunch.items(y.rows(), width),
                width,
                RowLaunch.itemsARow(width),
                rowsInPlane(y));
        return y;
    }

    Tensor activationBackward(Tensor dy, Tensor x, Activation activation, Dropout dropout) {
        require(dy.size() * activation.branches() == x.size(), "activationBackward", dy, x);
        CudaTensor gradient = cuda(dy);
        CudaTensor in = cuda(x);
        gradient.requireContiguous("activationBackward");
        in.requireContiguous("activationBackward");
        CudaTensor dx = context.compute(x.shape());
        int width = dy.extent(-1);
        kernels.launch(
                kernel(activation) + "_backward",
                RowLaunch.each(dy.rows(), width),
                gradient,
                in,
                dropout,
                dx,
                RowLaunch.items(dy.rows(), width),
                width,
                RowLaunch.itemsARow(width),
                rowsInPlane(dy));
        return dx;
    }
}
