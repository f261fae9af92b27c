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
    private final Path fresh;
    private final List<String> lines = new ArrayList<>();

    /** The log in a run's folder, with the lines up to {@code step} that are there already. */
    public MetricsLog(FileSystem fileSystem, Path folder, long step) {
        this.files = HadoopFiles.raw(fileSystem);
        this.file = new Path(folder, NAME);
        this.fresh = new Path(folder, "." + NAME + ".new");
        try {
            if (files.exists(file)) {
                read(file, step);
            } else if (files.exists(fresh)) {
                // The writer ended between taking the old file away and naming the new one.
                read(fresh, step);
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private void read(Path from, long step) throws IOException {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(files.open(from), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (JSON.readTree(line).path("step").asLong(Long.MAX_VALUE) <= step) {
                    lines.add(line);
                }
            }
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

    /** Writes a line on something that befell the run after {@code step}, such as a restart; it is on disk at once. */
    public void event(String kind, long step, String cause) {
        lines.add(JSON.createObjectNode()
                .put("event", kind)
                .put("step", step)
                .put("cause", cause)
                .toString());
        flush();
    }

    /** Writes all lines. */
    public void flush() {
        try {
            files.mkdirs(file.getParent());
            try (OutputStream out = HadoopFiles.create(files, fresh)) {
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
