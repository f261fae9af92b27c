package dev.sparkswitch.corpus.overlap;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;

import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Near-duplicates by MinHash and locality-sensitive hashing (Broder 1997; Lee et al. 2022, "Deduplicating Training Data Makes
 * Language Models Better"): texts that share a band are linked, linked texts form components, and of each component the
 * text with the smallest hash stays. Who stays depends on the texts alone, not on their order or Spark's partitions.
 *
 * <p>In a bucket of texts that share a band each is linked to the one with the smallest hash, not to every other, so a
 * bucket costs as many edges as it has texts, and it is streamed: memory is bounded however large it is. With
 * verification a text whose link to its bucket's smallest is refuted needs another band to be found.
 *
 * <p>Texts go by 64-bit hashes that the caller gives. Equal texts are near-duplicates like others as long as their hashes
 * differ. The chance that two different ones among a billion share theirs is 3%, and would cost one text.
 */
public final class NearDuplicates {
    /** A text's name: a hash of it, and of more where equal texts shall be told apart. */
    public static final String HASH = "hash";
    /** A text. */
    public static final String TEXT = "text";

    private static final String KEY = "key";
    private static final StructType BANDS =
            new StructType().add(KEY, DataTypes.LongType, false).add(HASH, DataTypes.LongType, false);
    private static final StructType EDGES = new StructType()
            .add(Components.NODE, DataTypes.LongType, false)
            .add(Components.ROOT, DataTypes.LongType, false);

    private final Banding banding;
    private final Optional<Double> verify;
    private final int partitions;
    private final Actions actions;

    /**
     * @param verify the Jaccard similarity that linked texts must have in truth, where that is to be looked at
     * @param partitions of the work, on which the result does not depend
     */
    public NearDuplicates(Banding banding, Optional<Double> verify, int partitions, Actions actions) {
        this.banding = banding;
        this.verify = verify;
        this.partitions = partitions;
        this.actions = actions;
    }

    /**
     * The texts that are to go.
     *
     * @param documents rows of {@link #HASH} and {@link #TEXT}, read once, with verification three times
     * @return rows of {@link Components#NODE}, a text's hash, and {@link Components#ROOT}, that of the one which stays for it;
     *     persisted, for the caller to release
     */
    public Dataset<Row> find(Dataset<Row> documents) {
        Banding cut = banding;
        Dataset<Row> edges = documents
                .select(HASH, TEXT)
                .mapPartitions((MapPartitionsFunction<Row, Row>) rows -> new Bands(cut, rows), Encoders.row(BANDS))
                .repartition(partitions, col(KEY))
                .sortWithinPartitions(KEY, HASH)
                .mapPartitions((MapPartitionsFunction<Row, Row>) Links::new, Encoders.row(EDGES));
        String name =
                String.format(Locale.ROOT, "near-duplicates (Jaccard similarity about %.2f)", banding.threshold());
        return new Components(name, actions, partitions).of(verify.isPresent() ? verified(edges, documents) : edges);
    }

    private Dataset<Row> verified(Dataset<Row> edges, Dataset<Row> documents) {
        Banding cut = banding;
        double least = verify.get();
        UserDefinedFunction similar = udf(
                (UDF2<String, String, Boolean>) (one, other) -> new BandKeys(cut).similarity(one, other) >= least,
                DataTypes.BooleanType);
        Dataset<Row> node =
                documents.select(col(HASH).as(Components.NODE), col(TEXT).as("one"));
        Dataset<Row> root =
                documents.select(col(HASH).as(Components.ROOT), col(TEXT).as("other"));
        return edges.distinct()
                .join(node, Components.NODE)
                .join(root, Components.ROOT)
                .filter(similar.apply(col("one"), col("other")))
                .select(Components.NODE, Components.ROOT);
    }

    /** Documents to the keys of their bands, each with the document's hash. */
    private static final class Bands extends RowIterator {
        private final BandKeys bands;
        private final Iterator<Row> documents;
        private long[] keys = {};
        private int at;
        private long hash;

        Bands(Banding banding, Iterator<Row> documents) {
            this.bands = new BandKeys(banding);
            this.documents = documents;
        }

        @Override
        Row advance() {
            while (at == keys.length) {
                if (!documents.hasNext()) {
                    return null;
                }
                Row document = documents.next();
                hash = document.getLong(0);
                keys = bands.of(document.getString(1));
                at = 0;
            }
            return RowFactory.create(keys[at++], hash);
        }
    }

    /** Keys with hashes, in order of both, to an edge from each hash to the smallest of its key. */
    private static final class Links extends RowIterator {
        private final Iterator<Row> rows;
        private boolean started;
        private long key;
        private long least;

        Links(Iterator<Row> rows) {
            this.rows = rows;
        }

        @Override
        Row advance() {
            while (rows.hasNext()) {
                Row row = rows.next();
                if (!started || row.getLong(0) != key) {
                    started = true;
                    key = row.getLong(0);
                    least = row.getLong(1);
                } else if (row.getLong(1) != least) {
                    return RowFactory.create(row.getLong(1), least);
                }
            }
            return null;
        }
    }
}
