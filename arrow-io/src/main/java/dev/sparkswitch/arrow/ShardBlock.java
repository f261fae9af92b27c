package dev.sparkswitch.arrow;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.EnumMap;
import java.util.Map;

/**
 * One record batch of a shard, mapped. Its buffers are views of the mapped file, which stays mapped as long as one of them
 * is held: nothing can be read after it was unmapped.
 */
final class ShardBlock {
    private final ShardIndex.Block place;
    private final Map<ShardColumn, IntBuffer> columns = new EnumMap<>(ShardColumn.class);

    /**
     * The views of a mapped body.
     *
     * @param firstRow the global id that its first row must have
     * @throws DamagedShardException if rows or counts are not what they can be
     */
    ShardBlock(ShardIndex.Block place, ByteBuffer body, ShardLayout layout, long firstRow)
            throws DamagedShardException {
        this.place = place;
        ByteBuffer ids = null;
        for (ShardColumn column : layout.columns()) {
            int bytes = place.rows() * column.width(layout) * (column.bitWidth() / 8);
            ByteBuffer values = body.slice(place.start(column), bytes).order(ByteOrder.LITTLE_ENDIAN);
            if (column == ShardColumn.ROW) {
                ids = values;
            } else {
                columns.put(column, values.asIntBuffer());
            }
        }
        if (ids.getLong(0) != firstRow || ids.getLong((place.rows() - 1) * Long.BYTES) != firstRow + place.rows() - 1) {
            throw new DamagedShardException("it holds row " + ids.getLong(0) + " where row " + firstRow + " belongs");
        }
        checkCounts(ShardColumn.INPUT_TOKENS, layout.inputLength());
        checkCounts(ShardColumn.TARGET_TOKENS, layout.targetLength());
    }

    private void checkCounts(ShardColumn column, int length) throws DamagedShardException {
        IntBuffer counts = columns.get(column);
        for (int row = 0; row < place.rows(); row++) {
            int count = counts.get(row);
            if (count < 0 || count > length) {
                throw new DamagedShardException(count + " tokens are counted in a row of " + length);
            }
        }
    }

    /** The row of the shard that this block starts with. */
    long firstRow() {
        return place.firstRow();
    }

    int rows() {
        return place.rows();
    }

    /** The values of a column, row-major; use it by absolute positions alone. */
    IntBuffer column(ShardColumn column) {
        return columns.get(column);
    }
}
