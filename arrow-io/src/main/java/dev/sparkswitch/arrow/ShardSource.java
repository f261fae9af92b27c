package dev.sparkswitch.arrow;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The rows of a box of shards. Local files are mapped where they lie, remote ones are copied to a local cache first; a
 * shard is verified once, before its first row is read. The next shard is fetched and verified in the background. At most
 * {@value #MOST_OPEN} shards are open at a time.
 */
public final class ShardSource implements TokenSource {
    private static final int MOST_OPEN = 16;
    private static final int CLOSE_SECONDS = 10;

    private final Manifest manifest;
    private final ShardLoader loader;
    private final long[] starts;
    private final BufferPool pool = new BufferPool();
    private final ExecutorService background;
    /** Shards that are open or being opened, the least recently used first. */
    private final Map<Integer, Future<MappedShard>> shards = new LinkedHashMap<>(32, 0.75f, true);

    private boolean closed;

    private ShardSource(Manifest manifest, ShardLoader loader, long[] starts) {
        this.manifest = manifest;
        this.loader = loader;
        this.starts = starts;
        this.background = Executors.newFixedThreadPool(2, task -> {
            Thread thread = new Thread(task, "sparkswitch-shards");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Opens a box of shards with checksums verified and remote ones copied to {@link ShardCache#temporary}. */
    public static ShardSource open(Configuration configuration, Path folder) {
        return open(configuration, folder, ShardCache.temporary(), Checks.CHECKSUMS);
    }

    /**
     * Opens a box of shards.
     *
     * @param cache where copies of remote shards go
     * @throws UserException if the folder holds no finished shards, or none with rows
     * @throws ResourceException if it cannot be read
     */
    public static ShardSource open(Configuration configuration, Path folder, ShardCache cache, Checks checks) {
        FileSystem fileSystem;
        try {
            fileSystem = folder.getFileSystem(configuration);
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot reach the file system of " + folder + " (" + e.getMessage() + "): check the path.", e);
        }
        Manifest manifest = Manifests.require(fileSystem, folder, Manifest.SHARDS);
        ShardLoader loader = new ShardLoader(fileSystem, folder, manifest, cache, checks);
        List<Manifest.Entry> files = manifest.files();
        long[] starts = new long[files.size() + 1];
        for (int i = 0; i < files.size(); i++) {
            long rows = files.get(i).count(ShardWriter.ROWS);
            if (rows < 0 || starts[i] + rows < 0) {
                throw new UserException("The manifest of " + folder + " gives " + rows + " rows to "
                        + files.get(i).path() + ": run 'sparkswitch batch' again.");
            }
            starts[i + 1] = starts[i] + rows;
        }
        if (starts[files.size()] == 0) {
            throw new UserException(
                    "The shards in " + folder + " hold no rows: run 'sparkswitch batch' with more text.");
        }
        return new ShardSource(manifest, loader, starts);
    }

    @Override
    public ShardLayout layout() {
        return loader.layout();
    }

    @Override
    public Manifest manifest() {
        return manifest;
    }

    @Override
    public long rows() {
        return starts[starts.length - 1];
    }

    @Override
    public TokenBatch read(long firstRow, int rows) {
        TokenBatch batch = TokenBatch.allocate(layout(), firstRow, rows, pool);
        boolean filled = false;
        try {
            int done = 0;
            while (done < rows) {
                long row = (firstRow + done) % rows();
                int shard = shardOf(row);
                ShardBlock block = block(shard, row - starts[shard]);
                int blockRow = (int) (row - starts[shard] - block.firstRow());
                int count = Math.min(rows - done, block.rows() - blockRow);
                batch.copy(block, blockRow, done, count);
                done += count;
            }
            if (layout().packing() == Packing.NONE) {
                batch.deriveSegments();
            }
            filled = true;
            return batch;
        } finally {
            if (!filled) {
                batch.close();
            }
        }
    }

    @Override
    public long targetTokens(long firstRow, int rows) {
        if (firstRow < 0 || rows < 0) {
            throw new IllegalArgumentException("There are no " + rows + " rows from row " + firstRow);
        }
        long sum = 0;
        int done = 0;
        while (done < rows) {
            long row = (firstRow + done) % rows();
            int shard = shardOf(row);
            long shardRows = starts[shard + 1] - starts[shard];
            if (row == starts[shard] && shardRows <= rows - done) {
                sum += manifest.files().get(shard).count(ShardWriter.TARGET_TOKENS);
                done += (int) shardRows;
                continue;
            }
            ShardBlock block = block(shard, row - starts[shard]);
            int blockRow = (int) (row - starts[shard] - block.firstRow());
            int count = Math.min(rows - done, block.rows() - blockRow);
            IntBuffer tokens = block.column(ShardColumn.TARGET_TOKENS);
            for (int i = 0; i < count; i++) {
                sum += tokens.get(blockRow + i);
            }
            done += count;
        }
        return sum;
    }

    /** The shard that holds {@code row}; the last one that starts at or before it, so never an empty one. */
    private int shardOf(long row) {
        int low = 0;
        int high = starts.length - 2;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (starts[middle] <= row) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    private synchronized ShardBlock block(int shard, long row) {
        try {
            return open(shard).block(row);
        } catch (DamagedShardException e) {
            throw Manifests.damaged(loader.path(shard), e.getMessage(), manifest.kind());
        } catch (IOException e) {
            throw loader.cannotRead(loader.path(shard), e);
        }
    }

    private MappedShard open(int shard) {
        if (closed) {
            throw new IllegalStateException("The source of tokens is closed");
        }
        Future<MappedShard> mine = start(shard);
        int next = (shard + 1) % (starts.length - 1);
        if (!shards.containsKey(next)) {
            start(next);
            shards.get(shard);
        }
        boolean opened = false;
        try {
            MappedShard mapped = mine.get();
            opened = true;
            return mapped;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ResourceException(
                    "Reading of shard " + loader.path(shard) + " was interrupted: run it again.", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SparkSwitchException known) {
                throw known;
            }
            throw new InternalException("Opening shard " + loader.path(shard) + " failed.", e.getCause());
        } finally {
            if (!opened) {
                // A later read tries again.
                shards.remove(shard);
            }
        }
    }

    private Future<MappedShard> start(int shard) {
        Future<MappedShard> future = shards.get(shard);
        if (future == null) {
            future = background.submit(() -> loader.load(shard, starts[shard]));
            shards.put(shard, future);
            if (shards.size() > MOST_OPEN) {
                int eldest = shards.keySet().iterator().next();
                release(shards.remove(eldest));
            }
        }
        return future;
    }

    /** Closes a shard, or gives up opening it. */
    private static void release(Future<MappedShard> shard) {
        if (shard.cancel(true)) {
            return;
        }
        try {
            shard.get().close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | IOException e) {
            // It never opened, or its reading is over anyway: nothing is lost.
            return;
        }
    }

    /** Stops background work too, and waits a little for it to end: afterwards nothing touches the cache. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        shards.values().forEach(ShardSource::release);
        shards.clear();
        background.shutdownNow();
        try {
            background.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
