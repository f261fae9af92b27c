package dev.sparkswitch.arrow;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * The form of a shard's rows.
 *
 * @param inputLength the positions of a row's inputs
 * @param targetLength the positions of a row's targets
 * @param packing whether a row holds several examples
 */
public record ShardLayout(int inputLength, int targetLength, Packing packing) {
    /** The id that fills the rest of a row; no token has it. */
    public static final int PADDING = 0;

    /** Property of a box of shards: the hash of the tokenizer's model file, {@code sha256:...}. */
    public static final String VOCABULARY = "vocabulary";
    /** Property of a box of shards: the number of token ids. */
    public static final String VOCABULARY_SIZE = "vocabulary-size";

    /**
     * Manifest property of shards that hold running text, one a source whose name follows: the tokens of its examples before
     * any were masked.
     */
    public static final String RAW_LENGTH_OF = "raw-length.";
    /** Property of a box of shards: {@link #inputLength}. */
    public static final String INPUT_LENGTH = "input-length";
    /** Property of a box of shards: {@link #targetLength}. */
    public static final String TARGET_LENGTH = "target-length";
    /** Property of a box of shards: {@link #packing}, in lower case. */
    public static final String PACKING = "packing";

    private static final int LONGEST = 1 << 20;
    /** Small enough to be mapped and dropped freely, large enough that a batch rarely spans two. */
    private static final int BLOCK_BYTES = 4 << 20;

    public ShardLayout {
        if (inputLength < 1 || inputLength > LONGEST || targetLength < 1 || targetLength > LONGEST) {
            throw new IllegalArgumentException("Rows of " + inputLength + " inputs and " + targetLength
                    + " targets cannot be stored: both lengths must lie in 1.." + LONGEST);
        }
    }

    /**
     * The layout of a box of shards.
     *
     * @throws UserException if the manifest does not tell
     */
    public static ShardLayout of(Manifest manifest) {
        String packing = manifest.property(PACKING);
        for (Packing candidate : Packing.values()) {
            if (name(candidate).equals(packing)) {
                try {
                    return new ShardLayout(length(manifest, INPUT_LENGTH), length(manifest, TARGET_LENGTH), candidate);
                } catch (IllegalArgumentException e) {
                    throw unusable(e.getMessage(), e);
                }
            }
        }
        throw unusable("'" + packing + "' is no way of packing", null);
    }

    /** What a box of shards of this layout says of it. */
    public SortedMap<String, String> properties() {
        SortedMap<String, String> properties = new TreeMap<>();
        properties.put(INPUT_LENGTH, Integer.toString(inputLength));
        properties.put(TARGET_LENGTH, Integer.toString(targetLength));
        properties.put(PACKING, name(packing));
        return properties;
    }

    /** The Arrow schema of a shard. */
    public Schema schema() {
        List<Field> fields = new ArrayList<>();
        for (ShardColumn column : columns()) {
            fields.add(column.field(this));
        }
        return new Schema(fields);
    }

    List<ShardColumn> columns() {
        List<ShardColumn> columns = new ArrayList<>();
        for (ShardColumn column : ShardColumn.values()) {
            if (packing == Packing.SEGMENTS || !column.isPackedOnly()) {
                columns.add(column);
            }
        }
        return columns;
    }

    /** The rows of every record batch but the last. */
    int rowsPerBlock() {
        long bytes = 0;
        for (ShardColumn column : columns()) {
            bytes += (long) column.width(this) * column.bitWidth() / 8;
        }
        return (int) Math.max(1, BLOCK_BYTES / bytes);
    }

    private static int length(Manifest manifest, String property) {
        try {
            return Integer.parseInt(manifest.property(property));
        } catch (NumberFormatException e) {
            throw unusable("its property " + property + " is no number", e);
        }
    }

    private static UserException unusable(String problem, Exception cause) {
        return new UserException(
                "The manifest of the shards cannot be used (" + problem + "): run 'sparkswitch batch' again.", cause);
    }

    private static String name(Packing packing) {
        return packing.name().toLowerCase(Locale.ROOT);
    }
}
