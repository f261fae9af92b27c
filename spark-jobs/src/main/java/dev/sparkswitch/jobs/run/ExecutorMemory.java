package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.NativeMemory;
import dev.sparkswitch.train.TrainingMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The settings of an executor that follow from what its rank needs outside the heap.
 *
 * @param need of the rank
 */
public record ExecutorMemory(TrainingMemory need) {
    private static final Logger LOG = LoggerFactory.getLogger(ExecutorMemory.class);
    /** What a JVM, Spark and the exchange between ranks take besides. */
    private static final long BESIDES_MIB = 512;

    /** {@code spark.executor.memoryOverhead} in MiB. */
    public long overheadMiB() {
        return mebibytes(need.bytes()) + BESIDES_MIB;
    }

    /** JVM options for a heap of {@code heapMiB}: limits of JavaCPP and of direct buffers. */
    public String javaOptions(long heapMiB) {
        return NativeMemory.LIMIT_OPTION + mebibytes(need.engineBytes()) * 3 / 2 + "m "
                + NativeMemory.PROCESS_LIMIT_OPTION + (heapMiB + overheadMiB() * 3 / 2) + "m "
                + "-XX:MaxDirectMemorySize=" + Math.max(heapMiB, mebibytes(need.copies()) + BESIDES_MIB) + "m";
    }

    /**
     * Says what a rank needs, and refuses to begin what cannot end well.
     *
     * @throws ResourceException where weights, gradients and copies alone exceed a limit
     */
    void check(int rank) {
        long heap = Runtime.getRuntime().maxMemory();
        LOG.info("rank {} needs {}, beside a heap of {} MiB", rank, need, mebibytes(heap));
        check(rank, heap, NativeMemory.engineLimit(), NativeMemory.ofContainer());
    }

    void check(int rank, long heap, long engineLimit, long container) {
        String remedy = "; set spark.executor.memoryOverhead=" + overheadMiB()
                + "m and spark.executor.extraJavaOptions=\"" + javaOptions(mebibytes(heap))
                + "\", spread the experts over more ranks, or lower training.rows";
        long certain = need.bytes() - need.activations();
        if (certain - need.copies() > engineLimit) {
            throw new ResourceException("rank " + rank + " needs " + need + ", but JavaCPP lets its engine have only "
                    + mebibytes(engineLimit) + " MiB" + remedy);
        }
        if (certain > container) {
            throw new ResourceException("rank " + rank + " needs " + need + ", but its container has only "
                    + mebibytes(container) + " MiB" + remedy);
        }
        if (need.engineBytes() > engineLimit) {
            LOG.warn(
                    "rank {} may run out of the {} MiB that JavaCPP lets its engine have{}",
                    rank,
                    mebibytes(engineLimit),
                    remedy);
        } else if (need.bytes() + heap > container) {
            LOG.warn("rank {} may run out of the {} MiB of its container{}", rank, mebibytes(container), remedy);
        }
    }

    private static long mebibytes(long bytes) {
        return bytes + (1 << 20) - 1 >> 20;
    }
}
