package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.engine.NativeMemory;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingMemory;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
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

    /** A rank's need, as the driver knows it from what was made before. */
    interface Foresight {
        /** Reads what it takes to know. */
        ExecutorMemory look() throws IOException;
    }

    /**
     * What ranks will need; empty where a card holds most of it, or where what it depends on is such that the run itself will
     * refuse it.
     */
    static Optional<ExecutorMemory> foreseen(EngineSettings engine, Foresight foresight) {
        if (engine.kind() == EngineKind.CUDA) {
            return Optional.empty();
        }
        try {
            return Optional.of(foresight.look());
        } catch (IOException | IllegalArgumentException | SparkSwitchException e) {
            return Optional.empty();
        }
    }

    /**
     * What a rank of a run needs.
     *
     * @param beside models that it holds together with the one that it trains
     * @param placement of that one's experts
     * @param inputLength input positions of a row
     * @param targetLength target positions of a row
     */
    static ExecutorMemory of(
            T5Config model,
            List<T5Config> beside,
            TrainingConfig training,
            ExpertPlacement placement,
            Precision precision,
            int inputLength,
            int targetLength) {
        TrainingMemory need = TrainingMemory.of(model, training, placement, precision, inputLength, targetLength);
        for (T5Config other : beside) {
            need = need.with(
                    other, LoadedModel.placement(other, placement.expertParallel(), placement.worldSize()), precision);
        }
        return new ExecutorMemory(need);
    }

    /** {@link #of} of the ranks that a run asks for. */
    static ExecutorMemory of(
            T5Config model,
            List<T5Config> beside,
            TrainingConfig training,
            ClusterSettings cluster,
            EngineSettings engine,
            int inputLength,
            int targetLength) {
        int ranks = cluster.ranks();
        return of(
                model,
                beside,
                training,
                ExpertPlacement.of(model, cluster.expertParallel(ranks), ranks),
                engine.processorPrecision(),
                inputLength,
                targetLength);
    }

    /** The need and the setting that follows from it, for a person. */
    public String line() {
        return "each rank needs " + need + "; spark.executor.memoryOverhead=" + overheadMiB() + "m";
    }

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
