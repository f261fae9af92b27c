package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;
import static dev.sparkswitch.engine.cuda.Product.Turn.NONE;
import static dev.sparkswitch.engine.cuda.Product.Turn.TRANSPOSED;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** Matrix products. Parameters that are split take part with their bfloat16 half. */
final class CudaProducts {
    private final CudaContext context;

    CudaProducts(CudaContext context) {
        this.context = context;
    }

    private static double beta(Write write) {
        return write == Write.ADD ? 1 : 0;
    }

    Tensor linear(Tensor x, Tensor w) {
        require(x.extent(-1) == w.extent(1), "linear", x, w);
        int[] shape = x.shape();
        shape[shape.length - 1] = w.extent(0);
        CudaTensor y = context.compute(shape);
        CudaTensor weights = context.parameter("linear", w);
        product(x.rows(), w.extent(0), w.extent(1), 1, cuda(x), NONE, weights, TRANSPOSED, 0, y);
        return y;
    }

    void linearInputGradient(Tensor dy, Tensor w, Tensor dx, Write write) {
        require(dy.extent(-1) == w.extent(0), "linearInputGradient", dy, w);
        require(dy.rows() == dx.rows() && dx.extent(-1) == w.extent(1), "linearInputGradient", dy, dx);
        CudaTensor weights = context.parameter("linearInputGradient", w);
        product(dy.rows(), w.extent(1), w.extent(0), 1, cuda(dy), NONE, weights, NONE, beta(write), cuda(dx));
    }

    void linearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        require(dy.rows() == x.rows(), "linearWeightGradient", dy, x);
        require(dy.extent(-1) == dw.extent(0), "linearWeightGradient", dy, dw);
        require(x.extent(-1) == dw.extent(1), "linearWeightGradient", x, dw);
        product(dw.extent(0), dw.extent(1), dy.rows(), 1, cuda(dy), TRANSPOSED, cuda(x), NONE, beta(write), cuda(dw));
    }

    Tensor groupedLinear(Tensor x, Tensor w) {
        require(x.extent(0) == w.extent(0) && x.extent(2) == w.extent(2), "groupedLinear", x, w);
        CudaTensor y = context.compute(x.extent(0), x.extent(1), w.extent(1));
        CudaTensor weights = context.parameter("groupedLinear", w);
        products(x.extent(1), w.extent(1), w.extent(2), cuda(x), NONE, weights, TRANSPOSED, 0, y);
        return y;
    }

    Tensor groupedLinearInputGradient(Tensor dy, Tensor w) {
        require(dy.extent(0) == w.extent(0) && dy.extent(2) == w.extent(1), "groupedLinearInputGradient", dy, w);
        CudaTensor dx = context.compute(dy.extent(0), dy.extent(1), w.extent(2));
        CudaTensor weights = context.parameter("groupedLinearInputGradient", w);
        products(dy.extent(1), w.extent(2), w.extent(1), cuda(dy), NONE, weights, NONE, 0, dx);
        return dx;
    }

    void groupedLinearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        require(dy.extent(0) == dw.extent(0), "groupedLinearWeightGradient", dy, dw);
        require(x.extent(0) == dw.extent(0), "groupedLinearWeightGradient", x, dw);
        require(dy.extent(1) == x.extent(1), "groupedLinearWeightGradient", dy, x);
        require(dy.extent(2) == dw.extent(1), "groupedLinearWeightGradient", dy, dw);
        require(x.extent(2) == dw.extent(2), "groupedLinearWeightGradient", x, dw);
        products(dw.extent(1), dw.extent(2), dy.extent(1), cuda(dy), TRANSPOSED, cuda(x), NONE, beta(write), cuda(dw));
    }

    /** c [m, n] = alpha a b + beta c of matrices, where a is [m, k] and b [k, n] once turned; leading axes count as rows. */
    void product(
            int m,
            int n,
            int k,
            double alpha,
            CudaTensor a,
            Product.Turn turnA,
            CudaTensor b,
            Product.Turn turnB,
            double beta,
            CudaTensor c) {
        multiply(new Product(m, n, k, alpha, operand(a, turnA), operand(b, turnB), beta, operand(c, NONE), 1));
    }

    /** {@link #product} for every entry of the first of three axes. */
    private void products(
            int m,
            int n,
            int k,
            CudaTensor a,
            Product.Turn turnA,
            CudaTensor b,
            Product.Turn turnB,
            double beta,
            CudaTensor c) {
        multiply(new Product(m, n, k, 1, entries(a, turnA), entries(b, turnB), beta, entries(c, NONE), c.extent(0)));
    }

    /** Nothing where the result is empty. */
    void multiply(Product product) {
        if (product.m() == 0 || product.n() == 0 || product.count() == 0) {
            return;
        }
        if (product.k() == 0) {
            multiplyNothing(product);
            return;
        }
        context.device().multiply(product);
    }

    /** A sum of no products: the gradient of a weight that met no token. */
    private void multiplyNothing(Product product) {
        Product.Operand c = product.c();
        long elements = (long) product.m() * product.n() * product.count();
        if (product.beta() == 0) {
            if (c.rowStride() != product.n()) {
                throw new IllegalArgumentException("an empty product to a view of columns: " + product);
            }
            context.device().zero(c.address(), elements * c.type().bytes());
        }
    }

    private static Product.Operand entries(CudaTensor tensor, Product.Turn turn) {
        return operand(tensor, (long) tensor.extent(1) * tensor.rowStride(), turn);
    }

    /** A whole matrix; leading axes count as rows. */
    static Product.Operand operand(CudaTensor tensor, Product.Turn turn) {
        return operand(tensor, 0, turn);
    }

    private static Product.Operand operand(CudaTensor tensor, long batchStride, Product.Turn turn) {
        DType type = tensor.isSplit() ? DType.BFLOAT16 : tensor.type();
        return new Product.Operand(tensor.address(), type, tensor.rowStride(), batchStride, turn);
    }
}
