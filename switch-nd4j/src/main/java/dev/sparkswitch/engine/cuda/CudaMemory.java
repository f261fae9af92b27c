package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;

/** Fills, copies, transfers and moves of rows. */
final class CudaMemory {
    private static final int THREADS = 256;
    private static final int ELEMENTS_A_THREAD = 4;
    /** Enough to keep every card busy; kernels walk on from there. */
    private static final int MOST_BLOCKS = 1 << 16;
    /** Split parameters go to and from the host through float32 pieces of this size: 16 MiB. */
    private static final int PIECE = 1 << 22;
    /** The widest access, in bytes. */
    private static final int WIDE = 16;
    /** Bytes that are read ahead at most: the host keeps memory for them. */
    private static final int MOST_READ = 1 << 20;
    /** The narrowest: a bfloat16. */
    private static final int NARROW = 2;

    private static final short NAN_BFLOAT16 = 0x7FC0;

    private final CudaContext context;
    private final Device device;
    private final Kernels kernels;

    CudaMemory(CudaContext context) {
        this.context = context;
        this.device = context.device();
        this.kernels = context.kernels("memory");
    }

    private static Launch over(long elements) {
        int each = THREADS * ELEMENTS_A_THREAD;
        return Launch.of(Math.min(MOST_BLOCKS, (elements + each - 1) / each), THREADS);
    }

    private void noteWrite(CudaTensor target) {
        if (target.isSplit()) {
            context.memory().noteParameterWrite();
        }
    }

    void fill(Tensor tensor, double value) {
        CudaTensor target = cuda(tensor);
        target.requireContiguous("fill");
        noteWrite(target);
        long n = target.size();
        int bits = Float.floatToIntBits((float) value);
        if (target.isSplit()) {
            boolean nan = Double.isNaN(value);
            int high = nan ? NAN_BFLOAT16 : (bits + 0x8000) >>> 16;
            kernels.launch("fill_16", over(n), target, high, n);
            kernels.launch("fill_16", over(n), target.low(), nan ? 0 : bits, n);
            return;
        }
        switch (target.type()) {
            case FLOAT64 -> kernels.launch("fill_64", over(n), target, Double.doubleToLongBits(value), n);
            case FLOAT32 -> kernels.launch("fill_32", over(n), target, bits, n);
            case BFLOAT16 -> kernels.launch("fill_16", over(n), target, nearestBfloat16(bits), n);
            case INT32 -> kernels.launch("fill_32", over(n), target, (int) value, n);
            case INT64 -> kernels.launch("fill_64", over(n), target, (long) value, n);
        }
    }

    /** Rounds to nearest, ties to even. */
    private static int nearestBfloat16(int bits) {
        return Float.isNaN(Float.intBitsToFloat(bits)) ? NAN_BFLOAT16 : (bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16;
    }

    void upload(Tensor tensor, ByteBuffer source) {
        CudaTensor target = cuda(tensor);
        target.requireContiguous("upload");
        noteWrite(target);
        long bytes = bytes(target);
        if (source.remaining() < bytes) {
            throw new IllegalArgumentException("upload of " + source.remaining() + " bytes to " + target);
        }
        ByteBuffer contents = source.slice().limit((int) bytes).order(ByteOrder.nativeOrder());
        if (!target.isSplit()) {
            device.upload(target.address(), contents);
            return;
        }
        inPieces(target, (piece, at, n) -> {
            device.upload(piece.address(), contents.slice(at * Float.BYTES, n * Float.BYTES));
            split("split_float32", piece, target, at, n);
        });
    }

    /** Whether the host need not wait for {@link #read}. */
    boolean readsAhead(Tensor tensor) {
        return !cuda(tensor).isSplit() && bytes(tensor) <= MOST_READ;
    }

    /** Starts a download to memory that the device has ready; waits for it. */
    Supplier<ByteBuffer> read(Tensor tensor) {
        CudaTensor source = cuda(tensor);
        source.requireContiguous("read");
        return device.read(source.address(), (int) bytes(source));
    }

    private static long bytes(Tensor tensor) {
        return tensor.size() * tensor.type().bytes();
    }

    void download(Tensor tensor, ByteBuffer target) {
        download(tensor, target, device::download);
    }

    /** {@link #download} that has ended when the device is synchronized. */
    void startDownload(Tensor tensor, ByteBuffer target) {
        download(tensor, target, device::startDownload);
    }

    private interface Transfer {
        void accept(long source, ByteBuffer target);
    }

    private void download(Tensor tensor, ByteBuffer target, Transfer transfer) {
        CudaTensor source = cuda(tensor);
        source.requireContiguous("download");
        long bytes = bytes(source);
        if (target.remaining() < bytes) {
            throw new IllegalArgumentException("download of " + source + " to " + target.remaining() + " bytes");
        }
        ByteBuffer contents = target.slice().limit((int) bytes).order(ByteOrder.nativeOrder());
        if (!source.isSplit()) {
            transfer.accept(source.address(), contents);
            return;
        }
        // The next piece takes the place of this one in the device's order, after its transfer.
        inPieces(source, (piece, at, n) -> {
            kernels.launch("join_float32", over(n), high(source, at), low(source, at), piece, (long) n);
            transfer.accept(piece.address(), contents.slice(at * Float.BYTES, n * Float.BYTES));
        });
    }

    private static long high(CudaTensor split, long at) {
        return split.address() + at * NARROW;
    }

    private static long low(CudaTensor split, long at) {
        return split.low() + at * NARROW;
    }

    private void split(String kernel, CudaTensor source, CudaTensor target, long at, long n) {
        kernels.launch(kernel, over(n), source, high(target, at), low(target, at), n);
    }

    private interface PieceWork {
        void accept(CudaTensor piece, int at, int n);
    }

    private void inPieces(CudaTensor tensor, PieceWork work) {
        int size = Math.toIntExact(tensor.size());
        try (CudaTensor piece = context.allocate(DType.FLOAT32, Math.min(PIECE, size))) {
            for (int at = 0; at < size; at += PIECE) {
                work.accept(piece, at, Math.min(PIECE, size - at));
            }
        }
    }

    void copy(Tensor from, Tensor to, Write write) {
        require(from.size() == to.size() && from.type() == to.type(), "copy", from, to);
        CudaTensor source = cuda(from);
        CudaTensor target = cuda(to);
        source.requireContiguous("copy");
        target.requireContiguous("copy");
        noteWrite(target);
        switch (write) {
            case SET -> set(source, target);
            case ADD -> add(source, target);
        }
    }

    private void set(CudaTensor source, CudaTensor target) {
        long n = source.size();
        if (source.isSplit() && target.isSplit()) {
            device.copy(source.address(), target.address(), n * NARROW);
            device.copy(source.low(), target.low(), n * NARROW);
        } else if (source.isSplit()) {
            kernels.launch("join_float32", over(n), source, source.low(), target, n);
        } else if (target.isSplit()) {
            split("split_float32", source, target, 0, n);
        } else {
            device.copy(source.address(), target.address(), n * source.type().bytes());
        }
    }

    private void add(CudaTensor source, CudaTensor target) {
        if (source.isSplit()) {
            try (CudaTensor joined = context.allocate(DType.FLOAT32, source.shape())) {
                set(source, joined);
                add(joined, target);
            }
            return;
        }
        long n = source.size();
        if (target.isSplit()) {
            split("add_to_split", source, target, 0, n);
        } else if (target.type() == DType.FLOAT32) {
            kernels.launch("add_float32", over(n), source, target, n);
        } else if (target.type() == context.precision().compute()) {
            kernels.launch("add_compute", over(n), source, target, n);
        } else {
            throw new IllegalArgumentException("this engine does not add " + source + " to " + target);
        }
    }

    Tensor swapLeading(Tensor tensor, int a, int b, int... shape) {
        CudaTensor source = cuda(tensor);
        source.requireContiguous("swapLeading");
        CudaTensor target = context.allocate(source.type(), shape);
        require(source.size() == target.size(), "swapLeading", source, target);
        long width = source.size() / Math.max(1, (long) a * b) * source.type().bytes();
        boolean wide = aligned(source.address(), target.address(), width);
        long units = width / (wide ? WIDE : NARROW);
        String kernel = wide ? "swap_leading_128" : "swap_leading_16";
        kernels.launch(kernel, rows((long) a * b, units), source, target, a, b, units);
        return target;
    }

    void append(Tensor rowsToAdd, Tensor cacheTensor, int position) {
        CudaTensor rows = cuda(rowsToAdd);
        CudaTensor cache = cuda(cacheTensor);
        require(rows.rows() == cache.extent(0) && rows.extent(-1) == cache.extent(-1), "append", rows, cache);
        long width = (long) rows.extent(-1) * rows.type().bytes();
        long stride = (long) rows.rowStride() * rows.type().bytes();
        move(
                rows.rows(),
                rows.address(),
                stride,
                cache.address() + position * width,
                cache.extent(1) * width,
                width,
                null);
    }

    Tensor gatherRows(Tensor tensor, Tensor indices) {
        CudaTensor x = cuda(tensor);
        x.requireContiguous("gatherRows");
        int[] shape = x.shape();
        long width = x.size() / Math.max(1, shape[0]) * x.type().bytes();
        shape[0] = Math.toIntExact(indices.size());
        CudaTensor y = context.allocate(x.type(), shape);
        move(shape[0], x.address(), width, y.address(), width, width, cuda(indices));
        return y;
    }

    /** All strides and the width in bytes. */
    private void move(
            int rows, long source, long sourceStride, long target, long targetStride, long width, CudaTensor index) {
        boolean wide = aligned(source, target, width, sourceStride, targetStride);
        int unit = wide ? WIDE : NARROW;
        kernels.launch(
                wide ? "move_rows_128" : "move_rows_16",
                rows(rows, width / unit),
                source,
                sourceStride / unit,
                target,
                targetStride / unit,
                index,
                width / unit);
    }

    private static boolean aligned(long... numbers) {
        for (long number : numbers) {
            if (number % WIDE != 0) {
                return false;
            }
        }
        return true;
    }

    private static Launch rows(long rows, long units) {
        int across = (int) Math.max(1, Math.min(64, units / (THREADS * ELEMENTS_A_THREAD)));
        return new Launch(Math.toIntExact(rows), across, 1, THREADS, 0);
    }
}
