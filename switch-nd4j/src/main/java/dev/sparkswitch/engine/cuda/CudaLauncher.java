package dev.sparkswitch.engine.cuda;

import java.nio.LongBuffer;
import org.bytedeco.cuda.cudart.CUDA_KERNEL_NODE_PARAMS_v2;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraphNode_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/** Hands kernels with their arguments to the driver, which copies them. */
final class CudaLauncher implements AutoCloseable {
    private static final int MOST_ARGUMENT_BYTES = 4096;
    private static final int MOST_ARGUMENTS = 256;

    private final BytePointer arguments = new BytePointer(MOST_ARGUMENT_BYTES);
    private final LongPointer parameters = new LongPointer(MOST_ARGUMENTS);
    private final LongBuffer addresses = parameters.asByteBuffer().asLongBuffer();
    private final PointerPointer<Pointer> list = new PointerPointer<>(parameters);
    private final CUDA_KERNEL_NODE_PARAMS_v2 node = new CUDA_KERNEL_NODE_PARAMS_v2();

    private void put(Arguments given) {
        arguments.put(given.bytes(), 0, given.bytes().length);
        for (int i = 0; i < given.count(); i++) {
            addresses.put(i, arguments.address() + given.offset(i));
        }
    }

    void launch(CudaModules.Function kernel, Launch launch, Arguments given, CUstream_st stream) {
        put(given);
        int status = cudart.cuLaunchKernel(
                kernel.function,
                launch.blocksX(),
                launch.blocksY(),
                launch.blocksZ(),
                launch.threads(),
                1,
                1,
                launch.sharedBytes(),
                stream,
                list,
                (PointerPointer<?>) null);
        if (status != 0) {
            Cuda.check(status, "cuLaunchKernel", kernel + " " + given + " by " + launch);
        }
    }

    /** Changes the arguments of a kernel in a graph, of which all else stays. */
    void change(CUgraphExec_st graph, CUgraphNode_st place, Call.OfKernel call) {
        put(call.arguments());
        Launch launch = call.launch();
        node.func(((CudaModules.Function) call.kernel()).function)
                .gridDimX(launch.blocksX())
                .gridDimY(launch.blocksY())
                .gridDimZ(launch.blocksZ())
                .blockDimX(launch.threads())
                .blockDimY(1)
                .blockDimZ(1)
                .sharedMemBytes(launch.sharedBytes())
                .kernelParams(list)
                .extra(null)
                .kern(null)
                .ctx(null);
        int status = cudart.cuGraphExecKernelNodeSetParams(graph, place, node);
        if (status != 0) {
            Cuda.check(status, "cuGraphExecKernelNodeSetParams", call.kernel() + " " + call.arguments());
        }
    }

    @Override
    public void close() {
        arguments.deallocate();
        parameters.deallocate();
        node.deallocate();
    }
}
