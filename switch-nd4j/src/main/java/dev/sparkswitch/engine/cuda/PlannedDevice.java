package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Moment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** A card that does nothing: the engine on it takes as much memory as on a real one, and every number is 0. */
final class PlannedDevice implements Device {
    /** Those of an H100, by which kernels choose their forms. */
    private static final int MULTIPROCESSORS = 132;

    private static final int SHARED_BYTES = 227 * 1024;

    private record PlannedKernel(String name) implements Kernel {}

    /** Above 0, which says that there is no room. */
    private long next = DeviceMemory.aligned(1);

    @Override
    public String description() {
        return "a planned card";
    }

    @Override
    public int multiprocessors() {
        return MULTIPROCESSORS;
    }

    @Override
    public int sharedMemoryPerBlock() {
        return SHARED_BYTES;
    }

    @Override
    public boolean runsBlocksTogether() {
        return true;
    }

    @Override
    public long freeBytes() {
        return Long.MAX_VALUE;
    }

    @Override
    public long allocate(long bytes) {
        long address = next;
        next += DeviceMemory.aligned(bytes);
        return address;
    }

    @Override
    public long allocateShared(long bytes) {
        return allocate(bytes);
    }

    @Override
    public void free(long address) {}

    @Override
    public void upload(long target, ByteBuffer source) {}

    @Override
    public void download(long source, ByteBuffer target) {
        ByteBuffer zeros = target.duplicate();
        while (zeros.hasRemaining()) {
            zeros.put((byte) 0);
        }
    }

    @Override
    public Supplier<ByteBuffer> read(long source, int bytes) {
        return () -> ByteBuffer.allocate(bytes);
    }

    @Override
    public void startDownload(long source, ByteBuffer target) {
        download(source, target);
    }

    @Override
    public void keepResident(ByteBuffer buffer) {}

    @Override
    public void copy(long source, long target, long bytes) {}

    @Override
    public void zero(long target, long bytes) {}

    @Override
    public Kernel kernel(String module, DType compute, String name) {
        return new PlannedKernel(name);
    }

    @Override
    public void launch(Kernel kernel, Launch launch, Arguments arguments) {}

    @Override
    public void mark() {}

    @Override
    public Point beside(Runnable launches) {
        launches.run();
        return new Point() {};
    }

    @Override
    public void follow(Point end) {}

    @Override
    public void multiply(Product product) {}

    @Override
    public Optional<Graph> graph(List<Call> calls) {
        return Optional.empty();
    }

    @Override
    public boolean isIdle() {
        return true;
    }

    @Override
    public void synchronize() {}

    @Override
    public Moment moment() {
        return Moment.now();
    }

    @Override
    public Optional<byte[]> link() {
        return Optional.empty();
    }

    @Override
    public byte[] newGroup() {
        throw new UnsupportedOperationException("a planned card has no links");
    }

    @Override
    public CardGroup join(byte[] id, int index, int size) {
        throw new UnsupportedOperationException("a planned card has no links");
    }

    @Override
    public boolean stopSharing() {
        return true;
    }

    @Override
    public Moment exchangeMoment() {
        return Moment.now();
    }

    @Override
    public void startProfile() {
        throw new UnsupportedOperationException("a planned card takes no time");
    }

    @Override
    public Map<String, OperationTime> endProfile() {
        throw new UnsupportedOperationException("a planned card takes no time");
    }

    @Override
    public void close() {}
}
