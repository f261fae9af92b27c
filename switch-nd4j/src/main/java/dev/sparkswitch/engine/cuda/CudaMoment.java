package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Moment;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** A moment of a stream: an event that the card notes when it comes to it. */
final class CudaMoment implements Moment {
    private static final double MILLI = 1e-3;

    private final CUevent_st event = new CUevent_st();

    CudaMoment(CUstream_st stream) {
        Cuda.check(cudart.cuEventCreate(event, cudart.CU_EVENT_DEFAULT), "cuEventCreate", "a moment");
        Cuda.check(cudart.cuEventRecord(event, stream), "cuEventRecord", "a moment");
    }

    @Override
    public double secondsSince(Moment earlier) {
        Cuda.check(cudart.cuEventSynchronize(event), "cuEventSynchronize", "a moment");
        float[] milliseconds = new float[1];
        Cuda.check(
                cudart.cuEventElapsedTime(milliseconds, ((CudaMoment) earlier).event, event),
                "cuEventElapsedTime",
                "two moments");
        return milliseconds[0] * MILLI;
    }

    @Override
    public void close() {
        cudart.cuEventDestroy(event);
        event.deallocate();
    }
}
