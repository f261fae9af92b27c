package dev.sparkswitch.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The file {@code metrics.jsonl} of a run: a JSON object a line, by step. Object stores cannot append, so the file is written
 * anew each time; it is small, and a run that goes back to a checkpoint drops the lines past it.
 */
public final class MetricsLog {
    /** The file's name in a run's folder. */
    public static final String NAME = "metrics.jsonl";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final FileSystem files;
    private final Path file;
    private final List<String> lines = new ArrayList<>();

    /** The log in a run's folder, with the lines up to {@code step} that are there already. */
    public MetricsLog(FileSystem fileSystem, Path folder, long step) {
        this.files = HadoopFiles.raw(fileSystem);
        this.file = new Path(folder, NAME);
        try {
            if (files.exists(file)) {
                try (BufferedReader reader =
                        new BufferedReader(new InputStreamReader(files.open(file), StandardCharsets.UTF_8))) {
                    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                        if (JSON.readTree(line).path("step").asLong(Long.MAX_VALUE) <= step) {
                            lines.add(line);
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Adds a step's line; it is on disk after the next {@link #flush}. */
    public void add(StepMetrics metrics) {
        try {
            lines.add(JSON.writeValueAsString(metrics.toJson()));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Writes all lines. */
    public void flush() {
        Path fresh = new Path(file.getParent(), "." + NAME + ".new");
        try {
            files.mkdirs(file.getParent());
            try (OutputStream out = files.create(fresh, true)) {
                for (String line : lines) {
                    out.write(line.getBytes(StandardCharsets.UTF_8));
                    out.write('\n');
                }
            }
            files.delete(file, false);
            files.rename(fresh, file);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private ResourceException failed(IOException cause) {
        return new ResourceException(
                "Cannot write " + file + " (" + cause.getMessage() + "): check the disk's space and your rights.",
                cause);
    }
}
