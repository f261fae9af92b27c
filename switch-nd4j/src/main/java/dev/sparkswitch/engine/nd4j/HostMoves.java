package dev.sparkswitch.engine.nd4j;

import static dev.sparkswitch.engine.nd4j.Nd4jEngine.require;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Fills, copies, transfers and moves of rows on the host. */
final class HostMoves {
    private final HostMemory memory;
    private final TrainingKernels kernels;

    HostMoves(HostMemory memory, TrainingKernels kernels) {
        this.memory = memory;
        this.kernels = kernels;
    }

    void fill(HostTensor tensor, double value) {
        if (tensor.type() == DType.INT32) {
            int[] values = new int[(int) tensor.size()];
            Arrays.fill(values, (int) value);
            tensor.ints().put(0, values);
        } else {
            kernels.fill(tensor, value);
        }
    }

    void upload(HostTensor target, ByteBuffer source) {
        target.requireContiguous("upload");
        ByteBuffer bytes = target.bytes();
        if (source.remaining() < bytes.remaining()) {
            throw new IllegalArgumentException("upload of " + source.remaining() + " bytes to " + target);
        }
        bytes.put(source.slice().limit(bytes.remaining()));
    }

    void download(HostTensor source, ByteBuffer target) {
        source.requireContiguous("download");
        target.slice().order(ByteOrder.nativeOrder()).put(source.bytes());
    }

    void copy(HostTensor source, HostTensor target, Write write) {
        require(source.size() == target.size() && source.type() == target.type(), "copy", source, target);
        kernels.copy(source, target, write);
    }

    HostTensor swapLeading(HostTensor source, int a, int b, int... shape) {
        int inner = (int) (source.size() / Math.max(1, a * b)) * source.type().bytes();
        HostTensor target = HostTensor.owner(memory, source.type(), shape);
        ByteBuffer in = source.bytes();
        ByteBuffer out = target.bytes();
        for (int i = 0; i < a; i++) {
            for (int j = 0; j < b; j++) {
                out.put((j * a + i) * inner, in, (i * b + j) * inner, inner);
            }
        }
        return target;
    }

    void append(HostTensor rows, HostTensor cache, int position) {
        int width = rows.extent(-1) * rows.type().bytes();
        int stride = rows.rowStride() * rows.type().bytes();
        ByteBuffer in = rows.bytes();
        ByteBuffer out = cache.bytes();
        for (int r = 0; r < rows.rows(); r++) {
            out.put((r * cache.extent(1) + position) * width, in, r * stride, width);
        }
    }

    HostTensor gatherRows(HostTensor x, HostTensor indices) {
        int[] shape = x.shape();
        int width = (int) (x.size() / Math.max(1, shape[0])) * x.type().bytes();
        shape[0] = (int) indices.size();
        HostTensor y = HostTensor.owner(memory, x.type(), shape);
        ByteBuffer in = x.bytes();
        ByteBuffer out = y.bytes();
        for (int i = 0; i < shape[0]; i++) {
            out.put(i * width, in, indices.ints().get(i) * width, width);
        }
        return y;
    }
}
