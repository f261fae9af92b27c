package dev.sparkswitch.arrow;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Consecutive rows of tokens in direct memory. All buffers are row-major, direct, read-only and in native order; each call
 * gives a view of its own, of position 0. They must not be used after {@link #close}, which hands the memory to the next
 * batch.
 *
 * <p>A segment id tells the examples of a row apart (1, 2, ...; 0 is padding); a position counts from 0 in each segment
 * (and is 0 in padding). In rows that are not packed, everything but padding is segment 1.
 */
public final class TokenBatch implements AutoCloseable {
    /** No batch is larger: a mistaken number of rows is to be an error, not a hunt for memory. */
    private static final long MOST_BYTES = 1L << 30;

    private final ShardLayout layout;
    private final long firstRow;
    private final int rows;
    private final int[] inputTokens;
    private final int[] targetTokens;
    private final IntBuffer[] columns = new IntBuffer[ShardColumn.values().length];
    private final BufferPool pool;
    private ByteBuffer memory;

    private TokenBatch(ShardLayout layout, long firstRow, int rows, BufferPool pool) {
        long bytes = 3L * Integer.BYTES * rows * ((long) layout.inputLength() + layout.targetLength());
        if (firstRow < 0 || rows < 1 || firstRow > Long.MAX_VALUE - rows || bytes > MOST_BYTES) {
            throw new IllegalArgumentException("A batch of " + rows + " rows from row " + firstRow + " (" + bytes
                    + " bytes) cannot be: rows must be 1 or more, and bytes at most " + MOST_BYTES);
        }
        this.layout = layout;
        this.firstRow = firstRow;
        this.rows = rows;
        this.inputTokens = new int[rows];
        this.targetTokens = new int[rows];
        this.pool = pool;
        this.memory = pool.take((int) bytes);
        int start = 0;
        for (ShardColumn column : ShardColumn.values()) {
            if (column.isList()) {
                int length = Integer.BYTES * rows * column.width(layout);
                columns[column.ordinal()] = memory.slice(start, length)
                        .order(ByteOrder.nativeOrder())
                        .asIntBuffer();
                start += length;
            }
        }
    }

    /** A batch that is to be filled by {@link #copy} and then finished by {@link #deriveSegments}. */
    static TokenBatch allocate(ShardLayout layout, long firstRow, int rows, BufferPool pool) {
        return new TokenBatch(layout, firstRow, rows, pool);
    }

    /**
     * A batch of examples, one a row.
     *
     * @param firstRow the global id of the first row
     * @param inputs the input tokens of each row, at most {@code inputLength} of them, with or without padding at the end
     * @param targets likewise the target tokens
     * @throws IllegalArgumentException if a row does not fit the layout or holds what is no token
     */
    public static TokenBatch of(ShardLayout layout, long firstRow, int[][] inputs, int[][] targets) {
        List<List<int[]>> packedInputs = new ArrayList<>();
        List<List<int[]>> packedTargets = new ArrayList<>();
        for (int[] row : inputs) {
            packedInputs.add(List.of(row));
        }
        for (int[] row : targets) {
            packedTargets.add(List.of(row));
        }
        return ofPacked(layout, firstRow, packedInputs, packedTargets);
    }

    /** A batch of rows that hold several examples each; otherwise as {@link #of}. */
    public static TokenBatch ofPacked(
            ShardLayout layout, long firstRow, List<List<int[]>> inputs, List<List<int[]>> targets) {
        if (inputs.size() != targets.size()) {
            throw new IllegalArgumentException(inputs.size() + " rows of inputs and " + targets.size() + " of targets");
        }
        TokenBatch batch = new TokenBatch(layout, firstRow, inputs.size(), new BufferPool());
        RowSide input = new RowSide("inputs", layout.inputLength(), layout.packing());
        RowSide target = new RowSide("targets", layout.targetLength(), layout.packing());
        for (int row = 0; row < batch.rows; row++) {
            input.set(inputs.get(row));
            target.set(targets.get(row));
            batch.put(row, ShardColumn.INPUTS, input.tokens());
            batch.put(row, ShardColumn.INPUT_SEGMENTS, input.segments());
            batch.put(row, ShardColumn.INPUT_POSITIONS, input.positions());
            batch.put(row, ShardColumn.TARGETS, target.tokens());
            batch.put(row, ShardColumn.TARGET_SEGMENTS, target.segments());
            batch.put(row, ShardColumn.TARGET_POSITIONS, target.positions());
            batch.inputTokens[row] = input.count();
            batch.targetTokens[row] = target.count();
        }
        return batch;
    }

    /** Copies {@code count} rows of a block to this batch. */
    void copy(ShardBlock block, int blockRow, int row, int count) {
        for (ShardColumn column : layout.columns()) {
            if (column.isList()) {
                int width = column.width(layout);
                columns[column.ordinal()].put(row * width, block.column(column), blockRow * width, count * width);
            }
        }
        block.column(ShardColumn.INPUT_TOKENS).get(blockRow, inputTokens, row, count);
        block.column(ShardColumn.TARGET_TOKENS).get(blockRow, targetTokens, row, count);
    }

    /** Makes the segments and positions of rows that do not store them. */
    void deriveSegments() {
        derive(ShardColumn.INPUT_SEGMENTS, ShardColumn.INPUT_POSITIONS, inputTokens);
        derive(ShardColumn.TARGET_SEGMENTS, ShardColumn.TARGET_POSITIONS, targetTokens);
    }

    private void derive(ShardColumn segments, ShardColumn positions, int[] tokens) {
        int width = segments.width(layout);
        int[] zeros = new int[width];
        int[] ones = new int[width];
        int[] ascending = new int[width];
        for (int i = 0; i < width; i++) {
            ones[i] = 1;
            ascending[i] = i;
        }
        IntBuffer segmentBuffer = columns[segments.ordinal()];
        IntBuffer positionBuffer = columns[positions.ordinal()];
        for (int row = 0; row < rows; row++) {
            int start = row * width;
            int count = tokens[row];
            segmentBuffer.put(start, ones, 0, count);
            segmentBuffer.put(start + count, zeros, 0, width - count);
            positionBuffer.put(start, ascending, 0, count);
            positionBuffer.put(start + count, zeros, 0, width - count);
        }
    }

    private void put(int row, ShardColumn column, int[] values) {
        columns[column.ordinal()].put(row * values.length, values);
    }

    private IntBuffer view(ShardColumn column) {
        if (memory == null) {
            throw new IllegalStateException("The batch is closed");
        }
        return columns[column.ordinal()].asReadOnlyBuffer();
    }

    /** The number of rows. */
    public int rows() {
        return rows;
    }

    /** The global id of row 0; the ids of the others follow it. */
    public long firstRow() {
        return firstRow;
    }

    /** The input positions of a row. */
    public int inputLength() {
        return layout.inputLength();
    }

    /** The target positions of a row. */
    public int targetLength() {
        return layout.targetLength();
    }

    /** Input token ids, {@code [rows, inputLength]}. */
    public IntBuffer inputs() {
        return view(ShardColumn.INPUTS);
    }

    /** Target token ids, {@code [rows, targetLength]}. */
    public IntBuffer targets() {
        return view(ShardColumn.TARGETS);
    }

    /** Segment ids of the inputs, {@code [rows, inputLength]}. */
    public IntBuffer inputSegments() {
        return view(ShardColumn.INPUT_SEGMENTS);
    }

    /** Segment ids of the targets, {@code [rows, targetLength]}. */
    public IntBuffer targetSegments() {
        return view(ShardColumn.TARGET_SEGMENTS);
    }

    /** Positions of the inputs within their segments, {@code [rows, inputLength]}. */
    public IntBuffer inputPositions() {
        return view(ShardColumn.INPUT_POSITIONS);
    }

    /** Positions of the targets within their segments, {@code [rows, targetLength]}. */
    public IntBuffer targetPositions() {
        return view(ShardColumn.TARGET_POSITIONS);
    }

    /** The input tokens (not padding) of each row, {@code [rows]}. */
    public int[] inputTokens() {
        return inputTokens.clone();
    }

    /** The target tokens (not padding) of each row, {@code [rows]}. */
    public int[] targetTokens() {
        return targetTokens.clone();
    }

    @Override
    public void close() {
        if (memory != null) {
            pool.give(memory);
            memory = null;
        }
    }
}
