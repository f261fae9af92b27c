package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.nd4j.OpenBlas.Turn;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.Pointer;

/** Memory and products without a library, for hosts that ND4J did not come along to. */
final class PlainHost implements HostLibrary {
    @Override
    public String name() {
        return "without ND4J";
    }

    @Override
    public Memory allocate(DType type, long size) {
        Pointer memory = Pointer.malloc(Math.max(size, 1) * type.bytes());
        return new Memory(memory, () -> Pointer.free(memory));
    }

    @Override
    public Multiplier products() {
        return PlainHost::product;
    }

    private interface Numbers {
        double at(int row, int column);
    }

    private static Numbers numbers(HostTensor tensor, Turn turn) {
        int stride = tensor.rowStride();
        Numbers numbers;
        if (tensor.type() == DType.FLOAT64) {
            DoubleBuffer values = tensor.doubles();
            numbers = (row, column) -> values.get(row * stride + column);
        } else {
            FloatBuffer values = tensor.floats();
            numbers = (row, column) -> values.get(row * stride + column);
        }
        return turn == Turn.NONE ? numbers : (row, column) -> numbers.at(column, row);
    }

    private static void product(
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
        Numbers left = numbers(a, turnA);
        Numbers right = numbers(b, turnB);
        Numbers before = numbers(c, Turn.NONE);
        for (int row = 0; row < m; row++) {
            for (int column = 0; column < n; column++) {
                // What stands there may be anything where it does not count.
                double sum = beta == 0 ? 0 : beta * before.at(row, column);
                for (int i = 0; i < k; i++) {
                    sum += alpha * left.at(row, i) * right.at(i, column);
                }
                int at = row * c.rowStride() + column;
                if (c.type() == DType.FLOAT64) {
                    c.doubles().put(at, sum);
                } else {
                    c.floats().put(at, (float) sum);
                }
            }
        }
    }
}
