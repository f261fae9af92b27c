package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.ChecksumOutputStream;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Writes files of one checkpoint that is not committed yet. Every rank has its own, on the same folder, and writes
 * files of its own names; safe for use by several threads as long as these write different files.
 */
public final class CheckpointWriter {
    private final FileSystem files;
    private final Path folder;
    private final long step;
    private final int attempt;
    private final List<Manifest.Entry> entries = Collections.synchronizedList(new ArrayList<>());

    CheckpointWriter(FileSystem files, Path folder, long step, int attempt) {
        this.files = files;
        this.folder = folder;
        this.step = step;
        this.attempt = attempt;
    }

    /** The folder of the checkpoint. */
    public Path folder() {
        return folder;
    }

    long step() {
        return step;
    }

    int attempt() {
        return attempt;
    }

    /**
     * Writes a file of tensors; {@link CheckpointFiles} has the names. It is on disk when this returns.
     *
     * @return the line on it for the manifest, for the rank that commits
     * @throws ResourceException where it cannot be written
     */
    public Manifest.Entry add(String name, Collection<TensorSource> tensors) {
        if (!CheckpointFiles.holdsTensors(name)) {
            throw new IllegalArgumentException("'" + name + "' is no name of a file of tensors");
        }
        long values = 0;
        for (TensorSource tensor : tensors) {
            values += tensor.info().count();
        }
        SortedMap<String, Long> counts = new TreeMap<>();
        counts.put("tensors", (long) tensors.size());
        counts.put("values", values);
        Manifest.Entry entry = write(name, counts, out -> SafetensorsWriter.write(out, tensors));
        entries.add(entry);
        return entry;
    }

    /**
     * Leaves the lines on all files that this rank added beside them, where the rank that commits finds them with
     * {@link #announced}. Called by every rank once its files are written.
     */
    public void announce(int rank) {
        ArrayNode lines = JsonNodeFactory.instance.arrayNode();
        synchronized (entries) {
            for (Manifest.Entry entry : entries) {
                ObjectNode line = lines.addObject();
                line.put("path", entry.path()).put("bytes", entry.bytes()).put("checksum", entry.checksum());
                entry.counts().forEach(line.putObject("counts")::put);
            }
        }
        add(announcement(rank), JsonFiles.bytes(lines));
    }

    /** Whether a rank's announcement is there as a whole. */
    public boolean hasAnnounced(int rank) {
        try {
            return files.exists(new Path(folder, announcement(rank)))
                    && JsonFiles.read(files, new Path(folder, announcement(rank)))
                            .isArray();
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot read " + folder + " (" + e.getMessage() + "): check the disk and your rights.", e);
        } catch (UserException e) {
            // It is being written.
            return false;
        }
    }

    /**
     * The lines on the files of all ranks, each of which has called {@link #announce}.
     *
     * @throws ResourceException where a rank's announcement is missing
     */
    public List<Manifest.Entry> announced(int worldSize) {
        List<Manifest.Entry> all = new ArrayList<>();
        for (int rank = 0; rank < worldSize; rank++) {
            Path file = new Path(folder, announcement(rank));
            try {
                for (JsonNode line : JsonFiles.read(files, file)) {
                    SortedMap<String, Long> counts = new TreeMap<>();
                    for (Map.Entry<String, JsonNode> count : line.path("counts").properties()) {
                        counts.put(count.getKey(), count.getValue().asLong());
                    }
                    all.add(new Manifest.Entry(
                            line.path("path").asText(),
                            line.path("bytes").asLong(),
                            line.path("checksum").asText(),
                            counts));
                }
            } catch (UserException | IllegalArgumentException e) {
                throw new ResourceException(
                        "Rank " + rank + " did not finish its part of checkpoint " + folder + ": " + e.getMessage(), e);
            }
        }
        return all;
    }

    private static String announcement(int rank) {
        return String.format(Locale.ROOT, "files-of-rank-%05d.json", rank);
    }

    Manifest.Entry add(String name, byte[] content) {
        return write(name, new TreeMap<>(), out -> out.write(content));
    }

    @FunctionalInterface
    private interface Content {
        void writeTo(ChecksumOutputStream out) throws IOException;
    }

    private Manifest.Entry write(String name, SortedMap<String, Long> counts, Content content) {
        Path file = new Path(folder, name);
        try (ChecksumOutputStream out = new ChecksumOutputStream(HadoopFiles.create(files, file))) {
            content.writeTo(out);
            out.sync();
            return new Manifest.Entry(name, out.bytes(), out.checksum(), counts);
        } catch (IOException e) {
            throw withoutTrace(
                    file,
                    new ResourceException(
                            "Cannot write " + file + " (" + e.getMessage()
                                    + "): check the disk's space and your rights.",
                            e));
        }
    }

    /** Half a file is of no use, and on a full disk it takes the space that the next attempt needs. */
    private ResourceException withoutTrace(Path file, ResourceException failure) {
        try {
            files.delete(file, false);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        return failure;
    }
}
