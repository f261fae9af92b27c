package dev.sparkswitch.engine.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Transfers through pages that stay in memory, which the card reads and writes by itself: a ring of slots, or the buffer that is
 * downloaded to where that was made to stay.
 */
final class CudaStaging implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CudaStaging.class);
    private static final int SLOTS = 64;
    /** Small, so that the few uploads of a step do not wait for those of the step before. */
    private static final int SLOT_BYTES = 256 << 10;

    /** Bytes of pages for readings, at least: most are of a few numbers. */
    private static final int LEAST_LANDING = 4 << 10;

    private final CUstream_st stream;
    private final Pointer memory = new Pointer();
    private final ByteBuffer contents;
    private final long base;
    /** Passed when the slot's last transfer has ended. */
    private final CUevent_st[] events = new CUevent_st[SLOTS];

    /** The caller's buffers that stay in memory, by address; held here lest they are collected while the card knows them. */
    private final ConcurrentSkipListMap<Long, ByteBuffer> resident = new ConcurrentSkipListMap<>();
    /** Guarded by the map, as are registrations and what follows. */
    private boolean closed;

    /** Whether pages could not be kept, which is told once. */
    private boolean refused;

    /** All that were made, and those that nobody waits for. */
    private final List<Landing> landings = new ArrayList<>();

    private final List<Landing> free = new ArrayList<>();

    private final Address place = new Address();
    private int next;

    CudaStaging(CUstream_st stream) {
        this.stream = stream;
        Cuda.check(cudart.cuMemAllocHost(memory, (long) SLOTS * SLOT_BYTES), "cuMemAllocHost", "the transfer buffer");
        this.base = memory.address();
        this.contents = new BytePointer(memory)
                .capacity((long) SLOTS * SLOT_BYTES)
                .asByteBuffer()
                .order(ByteOrder.nativeOrder());
        for (int slot = 0; slot < SLOTS; slot++) {
            events[slot] = new CUevent_st();
            Cuda.check(
                    cudart.cuEventCreate(events[slot], cudart.CU_EVENT_DISABLE_TIMING),
                    "cuEventCreate",
                    "the transfer buffer");
        }
    }

    private int take() {
        int slot = next;
        next = (next + 1) % SLOTS;
        return slot;
    }

    private Address address(int slot) {
        return place.at(base + (long) slot * SLOT_BYTES);
    }

    void upload(long target, ByteBuffer source) {
        int bytes = source.remaining();
        for (int at = 0; at < bytes; at += SLOT_BYTES) {
            int n = Math.min(SLOT_BYTES, bytes - at);
            int slot = take();
            Cuda.check(cudart.cuEventSynchronize(events[slot]), "cuEventSynchronize", "an upload");
            contents.put(slot * SLOT_BYTES, source, source.position() + at, n);
            Cuda.check(
                    cudart.cuMemcpyHtoDAsync(target + at, address(slot), n, stream), "cuMemcpyHtoDAsync", n + " bytes");
            Cuda.check(cudart.cuEventRecord(events[slot], stream), "cuEventRecord", "an upload");
        }
    }

    /**
     * Makes a direct buffer's pages stay in memory; where that is refused, transfers go by the ring. May be called from any
     * thread; once closed nothing is kept.
     */
    void keepResident(ByteBuffer buffer) {
        synchronized (resident) {
            if (closed) {
                return;
            }
            try (Pointer pages = new Pointer(buffer)) {
                int status = cudart.cuMemHostRegister(pages, buffer.capacity(), 0);
                if (status == 0) {
                    resident.put(pages.address(), buffer);
                } else if (!refused) {
                    refused = true;
                    LOG.warn(
                            "downloads of {} bytes, and maybe others, take a copy more: pages cannot be kept in memory"
                                    + " ({})",
                            buffer.capacity(),
                            status);
                }
            }
        }
    }

    private static long address(ByteBuffer direct) {
        try (Pointer pointer = new Pointer(direct)) {
            return pointer.address();
        }
    }

    /** Where the contents of {@code target} begin in memory that stays, or 0. */
    private long residentAddress(ByteBuffer target) {
        if (resident.isEmpty() || !target.isDirect()) {
            return 0;
        }
        long address = address(target.slice());
        Map.Entry<Long, ByteBuffer> below = resident.floorEntry(address);
        return below != null
                        && address + target.remaining()
                                <= below.getKey() + below.getValue().capacity()
                ? address
                : 0;
    }

    void download(long source, ByteBuffer target) {
        if (startDirect(source, target)) {
            Cuda.check(cudart.cuStreamSynchronize(stream), "cuStreamSynchronize", "a download");
        } else {
            downloadByRing(source, target);
        }
    }

    /** A download that has ended when the stream has, at the latest. */
    void startDownload(long source, ByteBuffer target) {
        if (!startDirect(source, target)) {
            downloadByRing(source, target);
        }
    }

    /** Pages for one reading, and the event that it has ended by. */
    private static final class Landing {
        private final Pointer pages = new Pointer();
        private final CUevent_st end = new CUevent_st();
        private final int bytes;

        Landing(int bytes) {
            this.bytes = bytes;
            Cuda.check(cudart.cuMemAllocHost(pages, bytes), "cuMemAllocHost", "a reading");
            Cuda.check(cudart.cuEventCreate(end, cudart.CU_EVENT_DISABLE_TIMING), "cuEventCreate", "a reading");
        }

        void free() {
            cudart.cuEventDestroy(end);
            cudart.cuMemFreeHost(pages);
        }
    }

    /** Starts to copy to the host, through pages of its own until whoever asked has the contents. */
    Supplier<ByteBuffer> read(long source, int bytes) {
        Landing landing =
                free.stream().filter(one -> one.bytes >= bytes).findFirst().orElse(null);
        if (landing == null) {
            landing = new Landing(Math.max(LEAST_LANDING, Integer.highestOneBit(Math.max(1, bytes - 1)) << 1));
            landings.add(landing);
        }
        free.remove(landing);
        Landing taken = landing;
        Cuda.check(cudart.cuMemcpyDtoHAsync(taken.pages, source, bytes, stream), "cuMemcpyDtoHAsync", bytes + " bytes");
        Cuda.check(cudart.cuEventRecord(taken.end, stream), "cuEventRecord", "a reading");
        return () -> {
            Cuda.check(cudart.cuEventSynchronize(taken.end), "cuEventSynchronize", "a reading");
            ByteBuffer contents = ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
            contents.put(new BytePointer(taken.pages).capacity(bytes).asByteBuffer())
                    .flip();
            free.add(taken);
            return contents;
        };
    }

    /** Whether the card writes to the buffer by itself; it is then under way. */
    private boolean startDirect(long source, ByteBuffer target) {
        int bytes = target.remaining();
        long direct = residentAddress(target);
        if (direct != 0) {
            Cuda.check(
                    cudart.cuMemcpyDtoHAsync(place.at(direct), source, bytes, stream),
                    "cuMemcpyDtoHAsync",
                    bytes + " bytes");
        }
        return direct != 0;
    }

    private void downloadByRing(long source, ByteBuffer target) {
        int bytes = target.remaining();
        int pieces = (bytes + SLOT_BYTES - 1) / SLOT_BYTES;
        int first = next;
        int started = 0;
        for (int done = 0; done < pieces; done++) {
            for (; started < pieces && started < done + SLOTS; started++) {
                int at = started * SLOT_BYTES;
                int slot = take();
                int n = Math.min(SLOT_BYTES, bytes - at);
                Cuda.check(
                        cudart.cuMemcpyDtoHAsync(address(slot), source + at, n, stream),
                        "cuMemcpyDtoHAsync",
                        n + " bytes");
                Cuda.check(cudart.cuEventRecord(events[slot], stream), "cuEventRecord", "a download");
            }
            int slot = (first + done) % SLOTS;
            int at = done * SLOT_BYTES;
            Cuda.check(cudart.cuEventSynchronize(events[slot]), "cuEventSynchronize", "a download");
            target.put(target.position() + at, contents, slot * SLOT_BYTES, Math.min(SLOT_BYTES, bytes - at));
        }
    }

    @Override
    public void close() {
        for (CUevent_st event : events) {
            cudart.cuEventDestroy(event);
        }
        landings.forEach(Landing::free);
        cudart.cuMemFreeHost(memory);
        synchronized (resident) {
            closed = true;
            resident.keySet().forEach(address -> cudart.cuMemHostUnregister(place.at(address)));
        }
    }
}
