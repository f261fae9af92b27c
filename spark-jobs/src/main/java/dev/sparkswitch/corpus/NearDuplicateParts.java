package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import dev.sparkswitch.corpus.overlap.Components;
import dev.sparkswitch.corpus.overlap.NearDuplicates;
import java.io.IOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Finds nearly equal documents in the parts of a pass. Of those the one whose text has the smallest hash stays, of equal texts
 * that whose place in the input has.
 */
final class NearDuplicateParts {
    private static final StructType TEXTS = new StructType()
            .add(NearDuplicates.HASH, DataTypes.LongType, false)
            .add(Duplicates.PART, DataTypes.IntegerType, false)
            .add(Duplicates.NUMBER, DataTypes.IntegerType, false)
            .add(NearDuplicates.TEXT, DataTypes.StringType);

    /** The bits of a document's hash that are of its text; the others are of its place. */
    private static final long HIGH = 0xFFFFFFFFL << 32;

    private final Steps steps;
    private final NearDuplicatesConfig config;
    private Dataset<Row> held;

    NearDuplicateParts(Steps steps, NearDuplicatesConfig config) {
        this.steps = steps;
        this.config = config;
    }

    /**
     * The documents that are to go, as {@link Duplicates#find} gives them; they can be asked for until {@link #release}.
     *
     * @param count parts there are
     * @param partitions to sort in
     */
    JavaRDD<Row> find(Parts parts, int count, int partitions) {
        JavaRDD<Row> rows = JavaSparkContext.fromSparkContext(steps.spark().sparkContext())
                .parallelize(IntStream.range(0, count).boxed().toList(), count)
                .flatMap(part -> new Texts(parts, part));
        Dataset<Row> texts = steps.spark().createDataFrame(rows, TEXTS);
        Dataset<Row> gone = new NearDuplicates(config.banding(), config.verify(), partitions, steps::run).find(texts);
        held = gone;
        Dataset<Row> places = texts.select(NearDuplicates.HASH, Duplicates.PART, Duplicates.NUMBER);
        Dataset<Row> extra = gone.select(col(Components.NODE).as(NearDuplicates.HASH))
                .join(places, NearDuplicates.HASH)
                .select(
                        col(Duplicates.PART),
                        col(Duplicates.NUMBER),
                        lit(Duplicates.WHOLE).as(Duplicates.LINE));
        return Duplicates.byPart(extra, count).toJavaRDD();
    }

    /** Lets go of what was found. */
    void release() {
        if (held != null) {
            held.unpersist();
            held = null;
        }
    }

    /** The documents of one part. */
    private static final class Texts implements Iterator<Row> {
        private final DocumentFile.Reader documents;
        private final Parts parts;
        private final int part;
        private int number;
        private PlacedDocument next;

        Texts(Parts parts, int part) throws IOException {
            this.parts = parts;
            this.part = part;
            PartSummary summary = parts.finished(part).orElseThrow();
            documents = new DocumentFile.Reader(parts.files(), parts.file(summary.documents()));
            next = documents.next();
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public Row next() {
            if (next == null) {
                throw new NoSuchElementException("no document is left");
            }
            PlacedDocument document = next;
            try {
                next = documents.next();
                if (next == null) {
                    documents.close();
                }
            } catch (IOException e) {
                throw parts.unwritable(e);
            }
            // The text comes first, the place decides among equal ones; together no two documents have the same.
            long hash = Hashes.of(document.text()) & HIGH | document.tie() & ~HIGH;
            return RowFactory.create(hash, part, number++, document.text());
        }
    }
}
