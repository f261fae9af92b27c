package dev.sparkswitch.arrow;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.FixedSizeList;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Type;

/**
 * Where the record batches of a shard lie, read from the file's footer and each batch's metadata (Arrow's columnar format,
 * "IPC File Format"). Every number of the file is checked before it is used, and nothing is allocated by one.
 */
final class ShardIndex {
    private static final byte[] MAGIC = "ARROW1".getBytes(StandardCharsets.US_ASCII);
    /** The magic at the start, padded. */
    private static final int HEAD = 8;
    /** The footer's length and the magic at the end. */
    private static final int TAIL = Integer.BYTES + MAGIC.length;
    /** Far more than the schema of nine columns, or a batch's list of their buffers, takes. */
    private static final int LARGEST_METADATA = 1 << 16;

    private static final int BLOCK_BYTES = 24;
    private static final int CONTINUATION = 0xFFFFFFFF;

    /**
     * One record batch.
     *
     * @param firstRow the row of the shard that it starts with
     * @param rows its rows
     * @param bodyStart where its buffers start in the file
     * @param bodyBytes their size
     * @param starts where each column's values start in the body, by the column's ordinal
     */
    record Block(long firstRow, int rows, long bodyStart, int bodyBytes, int[] starts) {
        int start(ShardColumn column) {
            return starts[column.ordinal()];
        }
    }

    private final FileChannel channel;
    private final ShardLayout layout;
    private final long size;

    private ShardIndex(FileChannel channel, ShardLayout layout) throws IOException {
        this.channel = channel;
        this.layout = layout;
        this.size = channel.size();
    }

    /**
     * Reads the places of all record batches, in order.
     *
     * @throws DamagedShardException if the file is no shard of this layout
     */
    static List<Block> read(FileChannel channel, ShardLayout layout) throws IOException, DamagedShardException {
        try {
            return new ShardIndex(channel, layout).blocks();
        } catch (IndexOutOfBoundsException | IllegalArgumentException | ArithmeticException | EOFException e) {
            throw new DamagedShardException("its metadata cannot be followed");
        }
    }

    private List<Block> blocks() throws IOException, DamagedShardException {
        check(size >= HEAD + TAIL, "it has " + size + " bytes, too few for an Arrow file");
        check(isMagic(0) && isMagic(size - MAGIC.length), "it does not start and end with the mark of an Arrow file");
        int footerBytes = bytes(size - TAIL, Integer.BYTES).getInt(0);
        long footerStart = size - TAIL - footerBytes;
        check(footerBytes > 0 && footerStart >= HEAD, "its footer of " + footerBytes + " bytes cannot be");
        ByteBuffer memory = channel.map(FileChannel.MapMode.READ_ONLY, footerStart, footerBytes);
        Footer footer = Footer.getRootAsFooter(memory.order(ByteOrder.LITTLE_ENDIAN));
        checkSchema(footer.schema());
        int count = footer.recordBatchesLength();
        check(count >= 0 && (long) count * BLOCK_BYTES <= footerBytes, "its footer lists " + count + " batches");
        check(footer.dictionariesLength() == 0, "it has dictionaries, which no shard has");

        List<Block> blocks = new ArrayList<>();
        long firstRow = 0;
        for (int i = 0; i < count; i++) {
            Block block = block(footer.recordBatches(i), firstRow, footerStart);
            blocks.add(block);
            firstRow = Math.addExact(firstRow, block.rows);
        }
        return blocks;
    }

    private Block block(org.apache.arrow.flatbuf.Block place, long firstRow, long end)
            throws IOException, DamagedShardException {
        long start = place.offset();
        int metadataBytes = place.metaDataLength();
        long bodyBytes = place.bodyLength();
        check(
                start >= HEAD && metadataBytes > 2 * Integer.BYTES && metadataBytes <= LARGEST_METADATA,
                "a batch has metadata of " + metadataBytes + " bytes at " + start);
        long bodyStart = Math.addExact(start, metadataBytes);
        check(
                bodyBytes >= 0 && bodyBytes <= Integer.MAX_VALUE && Math.addExact(bodyStart, bodyBytes) <= end,
                "a batch of " + bodyBytes + " bytes at " + bodyStart + " does not fit the file");

        ByteBuffer metadata = bytes(start, metadataBytes);
        metadata.position(metadata.getInt(0) == CONTINUATION ? 2 * Integer.BYTES : Integer.BYTES);
        Message message = Message.getRootAsMessage(metadata.slice().order(ByteOrder.LITTLE_ENDIAN));
        check(
                message.headerType() == MessageHeader.RecordBatch && message.bodyLength() == bodyBytes,
                "a batch at " + start + " is none");
        RecordBatch batch = (RecordBatch) message.header(new RecordBatch());
        check(batch != null && batch.compression() == null, "a batch at " + start + " is missing or compressed");
        long rows = batch.length();
        check(rows >= 1 && rows <= bodyBytes, "a batch at " + start + " has " + rows + " rows");
        return new Block(firstRow, (int) rows, bodyStart, (int) bodyBytes, starts(batch, (int) rows, bodyBytes));
    }

    /** The start of each column's values; a list has one validity buffer of its own, values have one before their data. */
    private int[] starts(RecordBatch batch, int rows, long bodyBytes) throws DamagedShardException {
        int lists = 0;
        for (ShardColumn column : layout.columns()) {
            lists += column.isList() ? 1 : 0;
        }
        check(
                batch.nodesLength() == layout.columns().size() + lists
                        && batch.buffersLength() == 2 * layout.columns().size() + lists,
                "a batch does not have the columns of the schema");
        int[] starts = new int[ShardColumn.values().length];
        Arrays.fill(starts, -1);
        int node = 0;
        int buffer = 0;
        for (ShardColumn column : layout.columns()) {
            if (column.isList()) {
                checkNode(batch.nodes(node++), rows, column);
                buffer++;
            }
            long values = (long) rows * column.width(layout);
            checkNode(batch.nodes(node++), values, column);
            Buffer data = batch.buffers(buffer + 1);
            buffer += 2;
            long bytes = values * column.bitWidth() / 8;
            check(
                    data.offset() >= 0
                            && data.offset() % Long.BYTES == 0
                            && data.length() >= bytes
                            && Math.addExact(data.offset(), data.length()) <= bodyBytes,
                    "column " + column.column() + " has " + data.length() + " bytes at " + data.offset());
            starts[column.ordinal()] = (int) data.offset();
        }
        return starts;
    }

    private static void checkNode(FieldNode node, long values, ShardColumn column) throws DamagedShardException {
        check(
                node.length() == values && node.nullCount() == 0,
                "column " + column.column() + " has " + node.length() + " values, " + node.nullCount()
                        + " of them missing");
    }

    private void checkSchema(Schema schema) throws DamagedShardException {
        List<ShardColumn> columns = layout.columns();
        check(
                schema != null && schema.endianness() == 0 && schema.fieldsLength() == columns.size(),
                "its columns are not those of " + layout);
        for (int i = 0; i < columns.size(); i++) {
            ShardColumn column = columns.get(i);
            org.apache.arrow.flatbuf.Field field = schema.fields(i);
            check(column.column().equals(field.name()), "its column " + i + " is not " + column.column());
            boolean fits;
            if (column.isList()) {
                FixedSizeList list = (FixedSizeList) type(field, Type.FixedSizeList, new FixedSizeList());
                fits = list != null
                        && list.listSize() == column.width(layout)
                        && field.childrenLength() == 1
                        && isInteger(field.children(0), column.bitWidth());
            } else {
                fits = isInteger(field, column.bitWidth());
            }
            check(fits, "its column " + column.column() + " is not of the type that " + layout + " asks for");
        }
    }

    private static boolean isInteger(org.apache.arrow.flatbuf.Field field, int bits) {
        Int integer = (Int) type(field, Type.Int, new Int());
        return integer != null && integer.isSigned() && integer.bitWidth() == bits;
    }

    private static com.google.flatbuffers.Table type(
            org.apache.arrow.flatbuf.Field field, byte type, com.google.flatbuffers.Table table) {
        return field.typeType() == type ? field.type(table) : null;
    }

    private boolean isMagic(long position) throws IOException {
        return Arrays.equals(bytes(position, MAGIC.length).array(), MAGIC);
    }

    private ByteBuffer bytes(long position, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new EOFException();
            }
        }
        return buffer.flip().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void check(boolean holds, String problem) throws DamagedShardException {
        if (!holds) {
            throw new DamagedShardException(problem);
        }
    }
}
