package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The answers to parts of the input, a file each, so that work that was stopped goes on behind what was done. A file has its
 * name only once it is whole.
 *
 * @param folder the full path of their folder
 * @param hadoop settings of Hadoop's file systems
 */
record AnswerParts(String folder, Map<String, String> hadoop) implements Serializable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private FileSystem files() throws IOException {
        Configuration configuration = new Configuration();
        hadoop.forEach(configuration::set);
        return HadoopFiles.raw(new Path(folder).getFileSystem(configuration));
    }

    private Path file(long part) {
        return new Path(folder, String.format(Locale.ROOT, "%08d.json", part));
    }

    /** The answers to the {@code rows} rows of a part, if they were written. */
    Optional<String[]> read(long part, int rows) {
        try (InputStream in = files().open(file(part))) {
            String[] answers = JSON.readValue(in, String[].class);
            return answers.length == rows ? Optional.of(answers) : Optional.empty();
        } catch (FileNotFoundException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new ResourceException(
                    "The answers in " + file(part) + " cannot be read (" + e.getMessage()
                            + "): check your rights, or remove the file to have them made again.",
                    e);
        }
    }

    /** Keeps the answers to a part. */
    void write(long part, String[] answers) {
        Path target = file(part);
        try {
            HadoopFiles.replace(files(), target.getParent(), out -> {
                JSON.writeValue(out, answers);
                return target;
            });
        } catch (IOException e) {
            throw new ResourceException(
                    "The answers cannot be written to " + target + " (" + e.getMessage()
                            + "): check the disk's space and your rights.",
                    e);
        }
    }
}
