package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraphNode_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/** A CUDA graph: a run of kernels, products and copies that the card is given as a whole. */
final class CudaGraph implements Graph {
    private final Runnable use;
    private final CUstream_st stream;
    private final CudaLauncher launcher;
    private final Trail trail;
    private final CUgraph_st graph = new CUgraph_st();
    private final CUgraphExec_st ready = new CUgraphExec_st();
    /** The kernels' places in the graph; null for other operations, which may be several there. */
    private final List<CUgraphNode_st> nodes = new ArrayList<>();

    private final Object[] last;

    /**
     * Makes a graph of what {@code calls} start in a stream; nothing is started.
     *
     * @param device whose operations go to the stream
     * @param use tells the driver which card this thread means
     * @throws InternalException where something cannot be part of a graph
     */
    CudaGraph(Device device, Runnable use, CUstream_st stream, CudaLauncher launcher, Trail trail, List<Call> calls) {
        this.use = use;
        this.stream = stream;
        this.launcher = launcher;
        this.trail = trail;
        this.last = Trail.last(calls);
        // Other threads go on with cards of their own.
        Cuda.check(
                cudart.cuStreamBeginCapture(stream, cudart.CU_STREAM_CAPTURE_MODE_RELAXED),
                "cuStreamBeginCapture",
                device.description());
        int ended;
        try {
            for (Call call : calls) {
                call.start(device);
                nodes.add(call instanceof Call.OfKernel ? lastNode(call) : null);
            }
        } finally {
            ended = cudart.cuStreamEndCapture(stream, graph);
        }
        Cuda.check(ended, "cuStreamEndCapture", calls.size() + " operations");
        Cuda.check(cudart.cuGraphInstantiate(ready, graph, 0), "cuGraphInstantiate", calls.size() + " operations");
        // Now rather than at its first start, when the card may be at work.
        Cuda.check(cudart.cuGraphUpload(ready, stream), "cuGraphUpload", calls.size() + " operations");
    }

    /** What the stream would wait for next: the kernel that was added last. */
    private CUgraphNode_st lastNode(Call call) {
        int[] status = new int[1];
        // Comes to point to the driver's own list.
        PointerPointer<Pointer> list = new PointerPointer<>((Pointer) null);
        try (SizeTPointer count = new SizeTPointer(1)) {
            Cuda.check(
                    cudart.cuStreamGetCaptureInfo(stream, status, null, null, list, null, count),
                    "cuStreamGetCaptureInfo",
                    call);
            if (count.get() != 1) {
                throw new InternalException(count.get() + " operations end a graph behind " + call);
            }
            return new CUgraphNode_st(list.get(0));
        }
    }

    @Override
    public void change(int place, Call.OfKernel call) {
        use.run();
        launcher.change(ready, nodes.get(place), call);
    }

    @Override
    public void start() {
        use.run();
        Cuda.check(cudart.cuGraphLaunch(ready, stream), "cuGraphLaunch", nodes.size() + " operations");
        for (Object operation : last) {
            trail.add(operation);
        }
    }

    @Override
    public void close() {
        use.run();
        cudart.cuGraphExecDestroy(ready);
        cudart.cuGraphDestroy(graph);
    }
}
