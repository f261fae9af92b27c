package dev.sparkswitch.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.Path;

/**
 * What a box of shards holds; lies beside the shards as {@value #FILE}, for the report.
 *
 * @param sources in their order
 * @param rows of all shards
 * @param text the tokens of the text, each as often as it was gone through
 */
record BoxStatistics(List<SourceLine> sources, RowStatistics rows, TokenStatistics text) {
    static final String FILE = "statistics.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A source.
     *
     * @param made what was made of it, in words
     * @param passes how many times it was gone through
     */
    record SourceLine(String name, String made, double passes) {}

    static BoxStatistics of(List<OpenSource> sources, Recipe recipe, RowStatistics rows, TokenStatistics text) {
        List<SourceLine> lines = new ArrayList<>();
        for (int i = 0; i < sources.size(); i++) {
            lines.add(new SourceLine(
                    sources.get(i).name(),
                    sources.get(i).describe(),
                    recipe.parts().get(i).passes()));
        }
        return new BoxStatistics(lines, rows, text);
    }

    void write(OutputFolder box) {
        try (OutputStream out = HadoopFiles.create(HadoopFiles.raw(box.files()), new Path(box.folder(), FILE))) {
            JSON.writeValue(out, this);
        } catch (IOException e) {
            throw new ResourceException(
                    "The statistics of " + box.folder() + " cannot be written (" + e.getMessage()
                            + "); check the disk's space and your rights.",
                    e);
        }
    }

    /** Those of a finished box; empty where an earlier version made it. */
    static Optional<BoxStatistics> read(OutputFolder box) {
        try (InputStream in = HadoopFiles.raw(box.files()).open(new Path(box.folder(), FILE))) {
            return Optional.of(JSON.readValue(in, BoxStatistics.class));
        } catch (FileNotFoundException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new ResourceException(
                    "The statistics of " + box.folder() + " cannot be read (" + e.getMessage()
                            + "); remove its folder to have it made again.",
                    e);
        }
    }
}
