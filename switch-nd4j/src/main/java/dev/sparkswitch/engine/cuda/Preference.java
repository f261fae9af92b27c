package dev.sparkswitch.engine.cuda;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** Which of a card's orders of execution goes first where kernels of several want the same multiprocessor. */
enum Preference {
    /** Exchanges, which other cards wait for. */
    FIRST,
    /** The engine's operations. */
    MIDDLE,
    /** What nobody waits for soon. */
    LAST;

    private static final String WHAT = "an order of execution";

    /** Makes a stream of the current card. Cards with two degrees only put the middle with the first. */
    void create(CUstream_st stream) {
        int[] last = new int[1];
        int[] first = new int[1];
        Cuda.check(cudart.cuCtxGetStreamPriorityRange(last, first), "cuCtxGetStreamPriorityRange", WHAT);
        // The lower the number, the earlier
        int degree =
                switch (this) {
                    case FIRST -> first[0];
                    case MIDDLE -> Math.max(first[0], last[0] - 1);
                    case LAST -> last[0];
                };
        Cuda.check(
                cudart.cuStreamCreateWithPriority(stream, cudart.CU_STREAM_NON_BLOCKING, degree),
                "cuStreamCreateWithPriority",
                WHAT);
    }
}
