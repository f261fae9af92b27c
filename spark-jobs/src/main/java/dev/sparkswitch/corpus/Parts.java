package dev.sparkswitch.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The parts that a pass has made, in a folder: a file with documents for each, and a summary that appears when it is whole.
 * Several attempts at a part write files of different names; the summary names the one that counts.
 *
 * @param folder its full path
 */
record Parts(SerializableConfiguration hadoop, String folder) implements Serializable {
    FileSystem files() {
        try {
            return HadoopFiles.raw(new Path(folder).getFileSystem(hadoop.value()));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    Path file(String name) {
        return new Path(folder, name);
    }

    private Path summary(int part) {
        return file(String.format(Locale.ROOT, "%06d.json", part));
    }

    /** What was done to a part, if it was finished. */
    Optional<PartSummary> finished(int part) {
        try (InputStream in = files().open(summary(part))) {
            return Optional.of(PartSummary.fromJson(new String(in.readAllBytes(), StandardCharsets.UTF_8)));
        } catch (FileNotFoundException | JsonProcessingException e) {
            // A summary that was cut short is none: the part is made again.
            return Optional.empty();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    void finish(int part, PartSummary summary) {
        try (OutputStream out = HadoopFiles.create(files(), summary(part))) {
            out.write(summary.toJson().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    ResourceException unwritable(IOException e) {
        return new ResourceException(
                "The work in " + folder + " cannot be written or read (" + e.getMessage()
                        + "); check the disk's space and your rights.",
                e);
    }
}
