package dev.sparkswitch.arrow;

import dev.sparkswitch.base.ChecksumOutputStream;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Writes one shard: an Arrow IPC file of rows. The same rows give the same bytes. Used by one thread; holds one record
 * batch of about 4 MiB in memory.
 */
public final class ShardWriter implements AutoCloseable {
    /** Count of a shard's {@link Manifest.Entry}: its rows. */
    public static final String ROWS = "rows";
    /** Count of a shard's {@link Manifest.Entry}: its input tokens, padding left out. */
    public static final String INPUT_TOKENS = "input-tokens";
    /** Count of a shard's {@link Manifest.Entry}: its target tokens, padding left out. */
    public static final String TARGET_TOKENS = "target-tokens";

    private final FileSystem fileSystem;
    private final Path file;
    private final Path written;
    private final ShardLayout layout;
    private final long firstRow;
    private final RowSide input;
    private final RowSide target;
    private final int capacity;
    private final RootAllocator allocator = new RootAllocator();
    private final VectorSchemaRoot root;
    private final IntBuffer[] columns = new IntBuffer[ShardColumn.values().length];
    private LongBuffer ids;
    private ChecksumOutputStream out;
    private ArrowFileWriter writer;
    private int pending;
    private long rows;
    private long inputTokens;
    private long targetTokens;
    private boolean failed = true;
    private boolean closed;

    private ShardWriter(FileSystem fileSystem, Path file, ShardLayout layout, long firstRow, int rowsPerBlock) {
        this.fileSystem = HadoopFiles.raw(fileSystem);
        this.file = file;
        this.layout = layout;
        this.firstRow = firstRow;
        this.input = new RowSide("inputs", layout.inputLength(), layout.packing());
        this.target = new RowSide("targets", layout.targetLength(), layout.packing());
        this.capacity = rowsPerBlock;
        this.root = VectorSchemaRoot.create(layout.schema(), allocator);
        // A local file may be mapped by a reader of an earlier attempt, which would crash if it were cut short.
        boolean local = HadoopFiles.local(this.fileSystem, file).isPresent();
        this.written = local ? new Path(file.getParent(), "." + file.getName() + "." + UUID.randomUUID()) : file;
    }

    /**
     * Starts a shard; a file of that name is replaced.
     *
     * @param firstRow the global id of its first row
     * @throws ResourceException if it cannot be written
     */
    public static ShardWriter open(FileSystem fileSystem, Path file, ShardLayout layout, long firstRow) {
        return open(fileSystem, file, layout, firstRow, layout.rowsPerBlock());
    }

    static ShardWriter open(FileSystem fileSystem, Path file, ShardLayout layout, long firstRow, int rowsPerBlock) {
        ShardWriter writer = new ShardWriter(fileSystem, file, layout, firstRow, rowsPerBlock);
        try {
            writer.start();
            writer.failed = false;
            return writer;
        } catch (IOException e) {
            throw writer.cannotWrite(e);
        } finally {
            if (writer.failed) {
                writer.close();
            }
        }
    }

    private void start() throws IOException {
        for (ShardColumn column : layout.columns()) {
            allocate(column);
        }
        out = new ChecksumOutputStream(HadoopFiles.create(fileSystem, written));
        writer = new ArrowFileWriter(root, null, Channels.newChannel(out));
        writer.start();
    }

    private void allocate(ShardColumn column) {
        FieldVector vector = root.getVector(column.column());
        vector.setInitialCapacity(capacity);
        vector.allocateNew();
        fillValidity(vector);
        FieldVector values = vector;
        if (vector instanceof FixedSizeListVector list) {
            values = list.getDataVector();
            fillValidity(values);
        }
        int bytes = capacity * column.width(layout) * column.bitWidth() / 8;
        java.nio.ByteBuffer memory = values.getDataBuffer().nioBuffer(0, bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (values instanceof BigIntVector) {
            ids = memory.asLongBuffer();
        } else {
            columns[column.ordinal()] = memory.asIntBuffer();
        }
    }

    /** No value is ever missing; bits past the last row are set too, so that no left-over memory reaches the file. */
    private static void fillValidity(FieldVector vector) {
        ArrowBuf validity = vector.getValidityBuffer();
        validity.setOne(0, validity.capacity());
    }

    /**
     * Adds a row of one example.
     *
     * @param inputs token ids, at most {@code inputLength}; padding at the end may be left out
     * @param targets likewise, at most {@code targetLength}
     * @throws IllegalArgumentException if they do not fit, or hold what is no token
     * @throws ResourceException if the shard cannot be written
     */
    public void add(int[] inputs, int[] targets) {
        add(List.of(inputs), List.of(targets));
    }

    /**
     * Adds a row of several examples: the n-th inputs and the n-th targets are segment n, counted from 1.
     *
     * @throws IllegalArgumentException as above, or if the layout takes no packed rows, or one of several
     *     examples is empty
     */
    public void add(List<int[]> inputs, List<int[]> targets) {
        if (inputs.size() != targets.size()) {
            throw new IllegalArgumentException(inputs.size() + " inputs and " + targets.size() + " targets in one row");
        }
        input.set(inputs);
        target.set(targets);
        ids.put(pending, firstRow + rows);
        put(ShardColumn.INPUTS, input.tokens());
        put(ShardColumn.TARGETS, target.tokens());
        columns[ShardColumn.INPUT_TOKENS.ordinal()].put(pending, input.count());
        columns[ShardColumn.TARGET_TOKENS.ordinal()].put(pending, target.count());
        if (layout.packing() == Packing.SEGMENTS) {
            put(ShardColumn.INPUT_SEGMENTS, input.segments());
            put(ShardColumn.TARGET_SEGMENTS, target.segments());
            put(ShardColumn.INPUT_POSITIONS, input.positions());
            put(ShardColumn.TARGET_POSITIONS, target.positions());
        }
        inputTokens += input.count();
        targetTokens += target.count();
        rows++;
        pending++;
        if (pending == capacity) {
            flush();
        }
    }

    private void put(ShardColumn column, int[] values) {
        columns[column.ordinal()].put(pending * values.length, values);
    }

    private void flush() {
        root.setRowCount(pending);
        try {
            writer.writeBatch();
        } catch (IOException | UncheckedIOException e) {
            failed = true;
            throw cannotWrite(e);
        }
        pending = 0;
    }

    /** Finishes the file, which takes its name only now on local disks. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (!failed) {
                finish();
            }
        } finally {
            discard();
        }
    }

    private void finish() {
        try {
            if (pending > 0) {
                flush();
            }
            writer.end();
            out.sync();
            out.close();
            Optional<java.nio.file.Path> target = HadoopFiles.local(fileSystem, file);
            if (target.isPresent()) {
                java.nio.file.Path source =
                        HadoopFiles.local(fileSystem, written).orElseThrow();
                Files.move(source, target.get(), StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            failed = true;
            throw cannotWrite(e);
        }
    }

    private void discard() {
        root.close();
        allocator.close();
        if (failed && out != null) {
            try {
                out.close();
                fileSystem.delete(written, false);
            } catch (IOException e) {
                // The failure that led here is the one to report; without a manifest the rest is nobody's shard.
            }
        }
    }

    private ResourceException cannotWrite(Exception cause) {
        return new ResourceException(
                "Cannot write shard " + file + " (" + cause.getMessage() + "): check the disk's space and your rights.",
                cause);
    }

    /** What the manifest says of the finished shard, by the name of its file. */
    public Manifest.Entry entry() {
        return entry(file.getParent());
    }

    /** What the manifest in {@code folder} says of the finished shard, which lies somewhere below it. */
    public Manifest.Entry entry(Path folder) {
        if (!closed || failed) {
            throw new IllegalStateException("The shard " + file + " is not finished");
        }
        Path box = fileSystem.makeQualified(folder);
        String path =
                box.toUri().relativize(fileSystem.makeQualified(file).toUri()).getPath();
        SortedMap<String, Long> counts = new TreeMap<>();
        counts.put(ROWS, rows);
        counts.put(INPUT_TOKENS, inputTokens);
        counts.put(TARGET_TOKENS, targetTokens);
        return new Manifest.Entry(path, out.bytes(), out.checksum(), counts);
    }
}
