package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Moment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/**
 * An order of execution beside the engine's: what is started in it runs beside the engine's operations, from a moment of theirs on, and
 * they from a moment of its.
 *
 * <p>Exchanges with other cards have one for all groups: they then run in the order of their starts, which is the same on every rank,
 * and cannot wait for each other in a circle. The card prefers it, so that an exchange is not held up by operations that would
 * fill the card. What nobody waits for soon has one that the card prefers least.
 */
final class SideStream implements AutoCloseable {
    private static final String WHAT = "an order beside the engine's";

    private final CUstream_st engine;
    private final Preference preference;
    private final CUstream_st stream = new CUstream_st();
    /** Events that nobody refers to; a wait remembers what the event stood for when it was asked for. */
    private final Deque<CUevent_st> free = new ArrayDeque<>();

    SideStream(CUstream_st engine, Preference preference) {
        this.engine = engine;
        this.preference = preference;
        preference.create(stream);
    }

    CUstream_st stream() {
        return stream;
    }

    /** One more of the same preference beside the same engine. */
    SideStream another() {
        return new SideStream(engine, preference);
    }

    /** What is started here next begins when the engine has done all that it was asked for so far. */
    void followEngine() {
        followEngine(List.of());
    }

    /** The same, here and in {@code others}. */
    void followEngine(List<SideStream> others) {
        CUevent_st ready = mark(engine);
        await(ready);
        others.forEach(other -> other.await(ready));
        free.push(ready);
    }

    /** What is started here next begins when all that was started in {@code other} so far has ended. */
    void join(SideStream other) {
        CUevent_st end = other.end();
        await(end);
        other.free.push(end);
    }

    private void await(CUevent_st event) {
        Cuda.check(cudart.cuStreamWaitEvent(stream, event, 0), "cuStreamWaitEvent", WHAT);
    }

    /** The end of what was started here so far, for {@link #leadEngine}. */
    CUevent_st end() {
        return mark(stream);
    }

    /** What the engine is asked for next begins when {@code end} has come; takes it back. */
    void leadEngine(CUevent_st end) {
        Cuda.check(cudart.cuStreamWaitEvent(engine, end, 0), "cuStreamWaitEvent", WHAT);
        free.push(end);
    }

    /** Whether all that was started here has ended. */
    boolean isIdle() {
        return cudart.cuStreamQuery(stream) == cudart.CUDA_SUCCESS;
    }

    /** The moment at which both orders have done what they were asked for so far. */
    Moment moment() {
        followEngine();
        return new CudaMoment(stream);
    }

    private CUevent_st mark(CUstream_st where) {
        CUevent_st event = free.poll();
        if (event == null) {
            event = new CUevent_st();
            Cuda.check(cudart.cuEventCreate(event, cudart.CU_EVENT_DISABLE_TIMING), "cuEventCreate", WHAT);
        }
        Cuda.check(cudart.cuEventRecord(event, where), "cuEventRecord", WHAT);
        return event;
    }

    @Override
    public void close() {
        cudart.cuStreamSynchronize(stream);
        free.forEach(cudart::cuEventDestroy);
        cudart.cuStreamDestroy(stream);
    }
}
