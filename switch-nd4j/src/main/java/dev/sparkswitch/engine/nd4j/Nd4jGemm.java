package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.nd4j.OpenBlas.Turn;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Matrix products by {@code Nd4j.gemm}, wherever ND4J's backend computes them: factors and result are copied there and back.
 *
 * <p>ND4J wants results in columns. A matrix in rows is its transpose in columns, so c = a b is taken as c' = b' a'.
 */
final class Nd4jGemm implements Multiplier {
    @Override
    public void product(
            int m,
            int n,
            int k,
            double alpha,
            HostTensor a,
            Turn turnA,
            HostTensor b,
            Turn turnB,
            double beta,
            HostTensor c) {
        if (m == 0 || n == 0) {
            return;
        }
        if (k == 0) {
            OpenBlas.product(m, n, k, alpha, a, turnA, b, turnB, beta, c);
            return;
        }
        try (INDArray left = transposed(b);
                INDArray right = transposed(a);
                INDArray result = beta == 0 ? unwritten(c) : transposed(c)) {
            Nd4j.gemm(left, right, result, turnB == Turn.TRANSPOSED, turnA == Turn.TRANSPOSED, alpha, beta);
            download(result, c);
        }
    }

    /** A copy each way costs the same however large a product is, and a card shares it among its own threads. */
    @Override
    public boolean takesTiles() {
        return false;
    }

    private static INDArray unwritten(HostTensor tensor) {
        DataType type = tensor.type() == DType.FLOAT64 ? DataType.DOUBLE : DataType.FLOAT;
        return Nd4j.createUninitialized(type, columns(tensor), 'f');
    }

    private static long[] columns(HostTensor tensor) {
        return new long[] {tensor.extent(-1), tensor.rows()};
    }

    private static INDArray transposed(HostTensor tensor) {
        int rows = tensor.rows();
        int width = tensor.extent(-1);
        if (tensor.type() == DType.FLOAT64) {
            double[] values = new double[rows * width];
            DoubleBuffer from = tensor.doubles();
            for (int row = 0; row < rows; row++) {
                from.get(row * tensor.rowStride(), values, row * width, width);
            }
            return Nd4j.create(values, columns(tensor), 'f');
        }
        float[] values = new float[rows * width];
        FloatBuffer from = tensor.floats();
        for (int row = 0; row < rows; row++) {
            from.get(row * tensor.rowStride(), values, row * width, width);
        }
        return Nd4j.create(values, columns(tensor), 'f');
    }

    private static void download(INDArray result, HostTensor tensor) {
        int width = tensor.extent(-1);
        if (tensor.type() == DType.FLOAT64) {
            double[] values = result.data().asDouble();
            DoubleBuffer to = tensor.doubles();
            for (int row = 0; row < tensor.rows(); row++) {
                to.put(row * tensor.rowStride(), values, row * width, width);
            }
        } else {
            float[] values = result.data().asFloat();
            FloatBuffer to = tensor.floats();
            for (int row = 0; row < tensor.rows(); row++) {
                to.put(row * tensor.rowStride(), values, row * width, width);
            }
        }
    }
}
