package dev.sparkswitch.corpus.overlap;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;

/**
 * Reads evaluation sets for their texts alone: every string in Parquet rows and JSON, however deep, and every cell of other
 * lines. So the official files of a task can be given as they are.
 */
public final class EvaluationSets {
    /** Runs of all sets together: a gigabyte of table on the driver and every executor. */
    private static final int MOST_RUNS = 1 << 25;

    /** Sets that can be told apart. */
    public static final int MOST = Long.SIZE;

    private static final ObjectMapper JSON = new ObjectMapper();

    private EvaluationSets() {}

    /**
     * The files of one set.
     *
     * @param files full paths, all Parquet or none
     */
    public record Source(String name, List<String> files) {}

    /**
     * The word runs of {@code sources}, whose places in the list are the bits of the result.
     *
     * @param length words of a run
     * @throws UserException if a set has no text that is as long as a run
     * @throws ResourceException if the sets are larger than what fits in memory
     */
    public static EvaluationGrams read(SparkSession spark, List<Source> sources, int length) {
        long[] runs = new long[1024];
        int size = 0;
        for (int set = 0; set < sources.size(); set++) {
            int before = size;
            List<byte[]> parts = texts(spark, sources.get(set).files())
                    .mapPartitions(
                            (MapPartitionsFunction<String, byte[]>) lines -> hashes(lines, length), Encoders.BINARY())
                    .collectAsList();
            for (byte[] part : parts) {
                int more = part.length / Long.BYTES;
                if (size / 2L + more > MOST_RUNS) {
                    throw new ResourceException("The evaluation sets hold more than " + MOST_RUNS + " runs of " + length
                            + " words, which is more than fits in memory; give fewer or smaller files in"
                            + " decontaminate.sets.");
                }
                runs = Arrays.copyOf(runs, Math.max(runs.length, Integer.highestOneBit(size + 2 * more) << 1));
                ByteBuffer hashes = ByteBuffer.wrap(part);
                while (hashes.hasRemaining()) {
                    runs[size++] = hashes.getLong();
                    runs[size++] = 1L << set;
                }
            }
            if (size == before) {
                throw new UserException("The evaluation set " + sources.get(set).name() + " has no text of " + length
                        + " words or more in "
                        + String.join(", ", sources.get(set).files())
                        + "; correct decontaminate.sets or lower decontaminate.words.");
            }
        }
        return new EvaluationGrams(length, Arrays.copyOf(runs, size));
    }

    private static Dataset<String> texts(SparkSession spark, List<String> files) {
        String[] paths = files.toArray(String[]::new);
        if (files.stream().allMatch(file -> file.endsWith(".parquet"))) {
            return spark.read().parquet(paths).select(to_json(struct(col("*")))).as(Encoders.STRING());
        }
        return spark.read()
                .text(paths)
                .filter(functions.trim(col("value")).notEqual(""))
                .as(Encoders.STRING());
    }

    /** One array for the partition: its different hashes, eight bytes each. */
    private static Iterator<byte[]> hashes(Iterator<String> lines, int length) {
        LongList hashes = new LongList();
        WordGrams grams = new WordGrams(length);
        WordGrams.Run run = (hash, from, to) -> hashes.add(hash);
        while (lines.hasNext()) {
            String line = lines.next();
            JsonNode json = parsed(line);
            if (json != null) {
                scan(json, grams, run);
            } else {
                for (String cell : line.split("\t")) {
                    grams.scan(cell, run);
                }
            }
        }
        return List.of(hashes.distinctBytes()).iterator();
    }

    /** The line as JSON, or null if it is none. */
    private static JsonNode parsed(String line) {
        String stripped = line.stripLeading();
        if (!stripped.startsWith("{") && !stripped.startsWith("[")) {
            return null;
        }
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            // Plain text may begin with a bracket.
            return null;
        }
    }

    private static void scan(JsonNode node, WordGrams grams, WordGrams.Run run) {
        if (node.isTextual()) {
            grams.scan(node.textValue(), run);
        }
        for (JsonNode child : node) {
            scan(child, grams, run);
        }
    }

    /** Numbers without boxes. */
    private static final class LongList {
        private long[] values = new long[1024];
        private int size;

        void add(long value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, 2 * size);
            }
            values[size++] = value;
        }

        byte[] distinctBytes() {
            Arrays.sort(values, 0, size);
            ByteBuffer bytes = ByteBuffer.allocate(size * Long.BYTES);
            for (int i = 0; i < size; i++) {
                if (i == 0 || values[i] != values[i - 1]) {
                    bytes.putLong(values[i]);
                }
            }
            return Arrays.copyOf(bytes.array(), bytes.position());
        }
    }
}
