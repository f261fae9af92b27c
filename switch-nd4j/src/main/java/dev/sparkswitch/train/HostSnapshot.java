package dev.sparkswitch.train;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.Threads;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies of an engine's tensors in host memory, which stay as they are while training goes on. The memory is kept for the
 * next snapshot of the same tensors: direct buffers go back to the system only when garbage is collected.
 *
 * <p>To make it takes about a second a gigabyte where a card is to write to it by itself: {@link #prepare} does so beside the
 * engine's thread, which calls everything here.
 */
final class HostSnapshot implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HostSnapshot.class);
    private static final double MIB = 1 << 20;

    private final Engine engine;
    private final IntFunction<ByteBuffer> memory;
    private final Map<String, ByteBuffer> copies = new ConcurrentHashMap<>();
    private Thread maker;
    /** Whether somebody waits for what is being made. */
    private volatile boolean hurried;

    private volatile boolean closed;

    HostSnapshot(Engine engine) {
        this(engine, engine::hostMemory);
    }

    /** @param memory makes a buffer of that many bytes, from any thread */
    HostSnapshot(Engine engine, IntFunction<ByteBuffer> memory) {
        this.engine = engine;
        this.memory = memory;
    }

    /** A tensor under its name in the snapshot. */
    record Named(String name, Tensor tensor) {
        private int bytes() {
            return Math.toIntExact(tensor.size() * tensor.type().bytes());
        }
    }

    /**
     * Begins to make the memory of copies of {@code tensors}; to be called once. Where that fails a line in the log says so, and
     * {@link #copy} makes what is missing.
     */
    void prepare(List<Named> tensors) {
        maker = new Thread(() -> make(tensors), "checkpoint-memory");
        maker.setDaemon(true);
        maker.setPriority(Thread.MIN_PRIORITY);
        maker.start();
    }

    private void make(List<Named> tensors) {
        try {
            for (Named tensor : tensors) {
                if (closed) {
                    return;
                }
                long start = System.nanoTime();
                copies.put(tensor.name(), memory.apply(tensor.bytes()));
                // A driver may hold up the engine's thread meanwhile: that gets as much time without.
                pause(System.nanoTime() - start);
            }
            LOG.debug("{} MiB for the copies of checkpoints are made", bytes() >> 20);
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.warn(
                    "memory for the copies of checkpoints could not be made ahead, beyond {} MiB ({}): the first"
                            + " checkpoint tries again, and training waits for it",
                    bytes() >> 20,
                    e.getMessage());
        }
    }

    private void pause(long nanos) {
        long end = System.nanoTime() + nanos;
        for (long left = nanos; left > 0 && !hurried && !closed; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /**
     * Copies {@code tensors} now; the sources hand out the copies until the same names are copied again.
     *
     * @throws ResourceException where there is no memory for them
     */
    List<TensorSource> copy(List<Named> tensors) {
        hurried = true;
        awaitMaker();
        List<Tensor> sources = new ArrayList<>();
        List<ByteBuffer> targets = new ArrayList<>();
        for (Named tensor : tensors) {
            sources.add(tensor.tensor());
            targets.add(room(tensor).clear());
        }
        engine.download(sources, targets);
        List<TensorSource> copied = new ArrayList<>();
        for (int i = 0; i < tensors.size(); i++) {
            Tensor tensor = sources.get(i);
            copied.add(TensorSource.of(
                    tensors.get(i).name(),
                    tensor.type(),
                    tensor.shape(),
                    targets.get(i).clear()));
        }
        return copied;
    }

    private ByteBuffer room(Named tensor) {
        try {
            return copies.computeIfAbsent(tensor.name(), unused -> memory.apply(tensor.bytes()));
        } catch (OutOfMemoryError e) {
            throw new ResourceException(
                    String.format(
                            "there is no memory for a checkpoint's copy of %s, %.1f MiB beyond %.1f MiB of copies (%s):"
                                    + " raise spark.executor.memoryOverhead and -XX:MaxDirectMemorySize, or spread the"
                                    + " experts over more ranks",
                            tensor.name(), tensor.bytes() / MIB, bytes() / MIB, e.getMessage()),
                    e);
        }
    }

    /** The memory that the copies take. */
    long bytes() {
        long bytes = 0;
        for (ByteBuffer copy : copies.values()) {
            bytes += copy.capacity();
        }
        return bytes;
    }

    /** What is being made is made with the engine: it must be done before that is closed, whoever interrupts. */
    private void awaitMaker() {
        if (maker == null) {
            return;
        }
        LockSupport.unpark(maker);
        Threads.join(maker);
        maker = null;
    }

    /** Stops making memory; returns when nothing uses the engine any more. */
    @Override
    public void close() {
        closed = true;
        awaitMaker();
    }
}
