package dev.sparkswitch.arrow;

import dev.sparkswitch.base.Checksums;
import dev.sparkswitch.base.Manifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.zip.CRC32C;

/** One shard on a local disk, its record batches mapped as they are asked for. Not safe for use by several threads. */
final class MappedShard implements AutoCloseable {
    private static final int BUFFER = 1 << 20;

    private final FileChannel channel;
    private final ShardLayout layout;
    private final long firstRow;
    private final List<ShardIndex.Block> index;
    private final ShardBlock[] blocks;

    private MappedShard(FileChannel channel, ShardLayout layout, long firstRow, List<ShardIndex.Block> index) {
        this.channel = channel;
        this.layout = layout;
        this.firstRow = firstRow;
        this.index = index;
        this.blocks = new ShardBlock[index.size()];
    }

    /**
     * Opens a shard and compares it with its manifest.
     *
     * @param firstRow the global id of its first row
     * @throws DamagedShardException if it differs
     */
    static MappedShard open(Path file, Manifest.Entry entry, ShardLayout layout, long firstRow, Checks checks)
            throws IOException, DamagedShardException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        MappedShard shard = null;
        try {
            shard = open(channel, entry, layout, firstRow, checks);
            return shard;
        } finally {
            if (shard == null) {
                channel.close();
            }
        }
    }

    private static MappedShard open(
            FileChannel channel, Manifest.Entry entry, ShardLayout layout, long firstRow, Checks checks)
            throws IOException, DamagedShardException {
        if (channel.size() != entry.bytes()) {
            throw new DamagedShardException("it has " + channel.size() + " bytes instead of " + entry.bytes());
        }
        if (checks == Checks.CHECKSUMS) {
            String checksum = checksum(channel);
            if (!checksum.equals(entry.checksum())) {
                throw new DamagedShardException("its checksum is " + checksum + " instead of " + entry.checksum());
            }
        }
        List<ShardIndex.Block> index = ShardIndex.read(channel, layout);
        long rows = index.isEmpty()
                ? 0
                : index.get(index.size() - 1).firstRow()
                        + index.get(index.size() - 1).rows();
        if (rows != entry.count(ShardWriter.ROWS)) {
            throw new DamagedShardException("it has " + rows + " rows instead of " + entry.count(ShardWriter.ROWS));
        }
        return new MappedShard(channel, layout, firstRow, index);
    }

    private static String checksum(FileChannel channel) throws IOException {
        CRC32C crc = new CRC32C();
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
        for (long position = 0; channel.read(buffer, position) >= 0; buffer.clear()) {
            position += buffer.position();
            crc.update(buffer.flip());
        }
        return Checksums.text(crc);
    }

    /** The block that holds {@code row}, counted from the start of this shard. */
    ShardBlock block(long row) throws IOException, DamagedShardException {
        int low = 0;
        int high = blocks.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (index.get(middle).firstRow() <= row) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        if (blocks[low] == null) {
            ShardIndex.Block place = index.get(low);
            ByteBuffer body = channel.map(FileChannel.MapMode.READ_ONLY, place.bodyStart(), place.bodyBytes());
            blocks[low] = new ShardBlock(place, body, layout, firstRow + place.firstRow());
        }
        return blocks[low];
    }

    /** Lets go of the file; blocks that were handed out stay readable. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
