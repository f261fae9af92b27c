package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;

/** The non-linearities of feed-forward layers. */
final class CudaActivations {
    private final CudaContext context;
    private final Kernels kernels;
    private final boolean masks = Switches.isOn(Switches.RELU_MASKS);

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

    /** ReLU on rows of whole words of bits keeps a mask, which takes a sixteenth of x's memory, or less. */
    Engine.Activated activate(Tensor x, Activation activation, Dropout dropout) {
        int width = x.extent(-1);
        if (!masks || activation != Activation.RELU || width % Integer.SIZE != 0) {
            return new Engine.Activated(activation(x, activation, dropout), x);
        }
        CudaTensor in = cuda(x);
        in.requireContiguous("activation");
        CudaTensor mask = context.allocate(DType.INT32, x.rows(), width / Integer.SIZE);
        kernels.launch(
                "relu_masked",
                RowLaunch.each(x.rows(), width),
                in,
                dropout,
                mask,
                RowLaunch.items(x.rows(), width),
                width,
                RowLaunch.itemsARow(width),
                rowsInPlane(x));
        return new Engine.Activated(x, mask);
    }

    /** In place where {@link #activate} has saved a mask. */
    Tensor activateBackward(Tensor dy, Engine.Activated forward, Activation activation, Dropout dropout) {
        if (forward.saved().type() != DType.INT32) {
            try (Tensor gradient = dy) {
                return activationBackward(gradient, forward.saved(), activation, dropout);
            }
        }
        require(dy.size() == forward.result().size(), "activateBackward", dy, forward.result());
        CudaTensor gradient = cuda(dy);
        gradient.requireContiguous("activateBackward");
        int width = dy.extent(-1);
        kernels.launch(
                "relu_masked_backward",
                RowLaunch.each(dy.rows(), width),
                gradient,
                cuda(forward.saved()),
                dropout.active() ? (float) dropout.scale() : 1.0f,
                RowLaunch.items(dy.rows(), width));
        return dy;
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
