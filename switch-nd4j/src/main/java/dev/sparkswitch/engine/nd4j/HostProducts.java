package dev.sparkswitch.engine.nd4j;

import static dev.sparkswitch.engine.nd4j.Nd4jEngine.require;
import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.NONE;
import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.TRANSPOSED;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Write;

/** The products of weights on the host. */
final class HostProducts {
    private final HostMemory memory;
    private final DType type;
    private final Products products;

    HostProducts(HostMemory memory, DType type, Products products) {
        this.memory = memory;
        this.type = type;
        this.products = products;
    }

    private static double beta(Write write) {
        return write == Write.ADD ? 1 : 0;
    }

    private HostTensor floating(int... shape) {
        return HostTensor.owner(memory, type, shape);
    }

    HostTensor linear(HostTensor x, HostTensor w) {
        require(x.extent(-1) == w.extent(1), "linear", x, w);
        int[] shape = x.shape();
        shape[shape.length - 1] = w.extent(0);
        HostTensor y = floating(shape);
        products.product(x.rows(), w.extent(0), w.extent(1), 1, x, NONE, w, TRANSPOSED, 0, y);
        return y;
    }

    void linearInputGradient(HostTensor dy, HostTensor w, HostTensor dx, Write write) {
        require(dy.extent(-1) == w.extent(0), "linearInputGradient", dy, w);
        require(dy.rows() == dx.rows() && dx.extent(-1) == w.extent(1), "linearInputGradient", dy, dx);
        products.product(dy.rows(), w.extent(1), w.extent(0), 1, dy, NONE, w, NONE, beta(write), dx);
    }

    void linearWeightGradient(HostTensor dy, HostTensor x, HostTensor dw, Write write) {
        require(dy.rows() == x.rows(), "linearWeightGradient", dy, x);
        require(dy.extent(-1) == dw.extent(0), "linearWeightGradient", dy, dw);
        require(x.extent(-1) == dw.extent(1), "linearWeightGradient", x, dw);
        products.product(dw.extent(0), dw.extent(1), dy.rows(), 1, dy, TRANSPOSED, x, NONE, beta(write), dw);
    }

    HostTensor groupedLinear(HostTensor x, HostTensor w) {
        require(x.extent(0) == w.extent(0) && x.extent(2) == w.extent(2), "groupedLinear", x, w);
        HostTensor y = floating(x.extent(0), x.extent(1), w.extent(1));
        products.products(x.extent(1), w.extent(1), w.extent(2), x, NONE, w, TRANSPOSED, 0, y);
        return y;
    }

    HostTensor groupedLinearInputGradient(HostTensor dy, HostTensor w) {
        require(dy.extent(0) == w.extent(0) && dy.extent(2) == w.extent(1), "groupedLinearInputGradient", dy, w);
        HostTensor dx = floating(dy.extent(0), dy.extent(1), w.extent(2));
        products.products(dy.extent(1), w.extent(2), w.extent(1), dy, NONE, w, NONE, 0, dx);
        return dx;
    }

    void groupedLinearWeightGradient(HostTensor dy, HostTensor x, HostTensor dw, Write write) {
        require(dy.extent(0) == dw.extent(0), "groupedLinearWeightGradient", dy, dw);
        require(x.extent(0) == dw.extent(0), "groupedLinearWeightGradient", x, dw);
        require(dy.extent(1) == x.extent(1), "groupedLinearWeightGradient", dy, x);
        require(dy.extent(2) == dw.extent(1), "groupedLinearWeightGradient", dy, dw);
        require(x.extent(2) == dw.extent(2), "groupedLinearWeightGradient", x, dw);
        products.products(dw.extent(1), dw.extent(2), dy.extent(1), dy, TRANSPOSED, x, NONE, beta(write), dw);
    }
}
