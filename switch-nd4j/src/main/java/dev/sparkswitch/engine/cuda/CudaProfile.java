package dev.sparkswitch.engine.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** Times of operations on the card, by events before and after each. */
final class CudaProfile {
    private record Span(String operation, CUevent_st start, CUevent_st end) {}

    private final CUstream_st stream;
    private final List<Span> spans = new ArrayList<>();

    CudaProfile(CUstream_st stream) {
        this.stream = stream;
    }

    void begin(String operation) {
        spans.add(new Span(operation, event(), event()));
        record(spans.get(spans.size() - 1).start());
    }

    void end() {
        record(spans.get(spans.size() - 1).end());
    }

    private static CUevent_st event() {
        CUevent_st event = new CUevent_st();
        Cuda.check(cudart.cuEventCreate(event, cudart.CU_EVENT_DEFAULT), "cuEventCreate", "a profile");
        return event;
    }

    private void record(CUevent_st event) {
        Cuda.check(cudart.cuEventRecord(event, stream), "cuEventRecord", "a profile");
    }

    /** The times by operation, once the stream stands still. */
    Map<String, OperationTime> times() {
        Map<String, OperationTime> times = new HashMap<>();
        float[] milliseconds = new float[1];
        for (Span span : spans) {
            Cuda.check(
                    cudart.cuEventElapsedTime(milliseconds, span.start(), span.end()),
                    "cuEventElapsedTime",
                    span.operation());
            cudart.cuEventDestroy(span.start());
            cudart.cuEventDestroy(span.end());
            OperationTime before = times.getOrDefault(span.operation(), new OperationTime(0, 0));
            times.put(span.operation(), before.plus(milliseconds[0]));
        }
        return times;
    }
}
