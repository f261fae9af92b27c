package dev.sparkswitch.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/**
 * A note for every shard that is whole: what a run that was stopped need not write again.
 *
 * @param folder the full path of the notes' folder
 */
record ShardNotes(SerializableConfiguration hadoop, String folder) implements Serializable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A manifest's entry in a form that Spark can send. */
    record Entry(String path, long bytes, String checksum, TreeMap<String, Long> counts) implements Serializable {
        Manifest.Entry asManifest() {
            return new Manifest.Entry(path, bytes, checksum, counts);
        }
    }

    /** What was written as one shard. */
    record Note(int shard, Entry entry, RowStatistics statistics) implements Serializable {
        static Note of(int shard, Manifest.Entry entry, RowStatistics statistics) {
            Entry sent = new Entry(entry.path(), entry.bytes(), entry.checksum(), new TreeMap<>(entry.counts()));
            return new Note(shard, sent, statistics);
        }

        /** How many rows it has. */
        long rows() {
            return statistics.rows();
        }
    }

    private FileSystem files() throws IOException {
        return HadoopFiles.raw(new Path(folder).getFileSystem(hadoop.value()));
    }

    void write(Note note) throws IOException {
        HadoopFiles.replace(files(), new Path(folder), out -> {
            JSON.writeValue(out, note);
            return new Path(folder, String.format(Locale.ROOT, "%05d.json", note.shard()));
        });
    }

    /** The notes of shards that are there in their full size, by shard. */
    SortedMap<Integer, Note> read(Path box) {
        SortedMap<Integer, Note> notes = new TreeMap<>();
        try {
            FileSystem files = files();
            for (FileStatus status :
                    files.listStatus(new Path(folder), path -> path.getName().endsWith(".json"))) {
                try (InputStream in = files.open(status.getPath())) {
                    Note note = JSON.readValue(in, Note.class);
                    if (files.getFileStatus(new Path(box, note.entry().path())).getLen()
                            == note.entry().bytes()) {
                        notes.put(note.shard(), note);
                    }
                } catch (FileNotFoundException e) {
                    // The shard is gone: it will be written again.
                    continue;
                }
            }
            return notes;
        } catch (FileNotFoundException e) {
            return notes;
        } catch (IOException e) {
            throw new ResourceException(
                    "The notes of earlier work in " + folder + " cannot be read (" + e.getMessage()
                            + "); check your rights, or remove the output folder to begin anew.",
                    e);
        }
    }
}
