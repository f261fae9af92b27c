package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;

import com.dynatrace.hash4j.hashing.HashValue128;
import java.io.IOException;
import java.io.Serializable;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Finds what is there more than once. Only hashes travel, never text; equal hashes meet sorted, so that however many there
 * are of one, a task holds a row of them. Which copy stays follows from the content alone: the page whose address (or text,
 * if it has none) has the smallest MD5 hash, as in C4, there the first line.
 */
final class Duplicates {
    private static final Pattern ADDRESS = Pattern.compile("^[a-z]+://(www\\.)?|/?(#.*)?$");
    static final String PART = "part";
    static final String NUMBER = "number";
    static final String LINE = "line";
    /** In place of a line's number: the whole document. */
    static final int WHOLE = -1;

    /** Hash, order, place: in this order they are sorted. */
    private static final StructType KEYS = new StructType()
            .add("high", DataTypes.LongType)
            .add("low", DataTypes.LongType)
            .add("first", DataTypes.LongType)
            .add("second", DataTypes.LongType)
            .add("tie", DataTypes.LongType)
            .add(LINE, DataTypes.IntegerType)
            .add(PART, DataTypes.IntegerType)
            .add(NUMBER, DataTypes.IntegerType);

    private static final StructType EXTRA = new StructType()
            .add(PART, DataTypes.IntegerType)
            .add(NUMBER, DataTypes.IntegerType)
            .add(LINE, DataTypes.IntegerType);

    private Duplicates() {}

    /**
     * What is there again: rows of part, number of the document in it and number of the line (-1 for the whole document), each
     * part's in the partition of its number, sorted.
     *
     * @param count parts there are
     * @param partitions to sort in
     */
    static JavaRDD<Row> find(SparkSession spark, Parts parts, int count, Pass.Unique unique, int partitions) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        JavaRDD<Row> keys = context.parallelize(
                        IntStream.range(0, count).boxed().toList(), count)
                .flatMap(part -> new Keys(parts, part, unique));
        Dataset<Row> extra = spark.createDataFrame(keys, KEYS)
                .repartition(partitions, col("high"), col("low"))
                .sortWithinPartitions("high", "low", "first", "second", "tie", LINE, PART, NUMBER)
                .mapPartitions(new Others(), Encoders.row(EXTRA));
        return byPart(extra, count).toJavaRDD();
    }

    /** Rows of part, number and line, each part's in the partition of its number, sorted. */
    static Dataset<Row> byPart(Dataset<Row> extra, int count) {
        return extra.repartitionById(count, col(PART)).sortWithinPartitions(PART, NUMBER, LINE);
    }

    /** An address without what two of the same page differ in: the scheme, a closing slash, a fragment. */
    static String normalized(String url) {
        return ADDRESS.matcher(url.strip().toLowerCase(Locale.ROOT)).replaceAll("");
    }

    /** The keys of one part. */
    private static final class Keys implements Iterator<Row> {
        private final DocumentFile.Reader documents;
        private final Parts parts;
        private final int part;
        private final Pass.Unique unique;
        private final MessageDigest digest = Hashes.md5();
        private final long[] order = new long[2];
        private final ArrayDeque<Row> ready = new ArrayDeque<>();
        private int number;
        private boolean ended;

        Keys(Parts parts, int part, Pass.Unique unique) throws IOException {
            this.parts = parts;
            this.part = part;
            this.unique = unique;
            PartSummary summary = parts.finished(part).orElseThrow();
            DocumentFile.Texts texts =
                    switch (unique) {
                        case URL -> DocumentFile.Texts.BYTES;
                        case NOTHING, LINE, TEXT, NEAR -> DocumentFile.Texts.DECODED;
                    };
            documents = new DocumentFile.Reader(parts.files(), parts.file(summary.documents()), texts);
        }

        @Override
        public boolean hasNext() {
            try {
                while (ready.isEmpty() && !ended) {
                    PlacedDocument document = documents.next();
                    if (document == null) {
                        ended = true;
                        documents.close();
                    } else {
                        add(document);
                        number++;
                    }
                }
            } catch (IOException e) {
                throw parts.unwritable(e);
            }
            return !ready.isEmpty();
        }

        private void add(PlacedDocument document) {
            String text = document.text();
            switch (unique) {
                case NOTHING, NEAR -> throw new IllegalStateException(unique + " is not looked for here");
                case URL -> {
                    if (!document.url().isEmpty()) {
                        documents.digestText(digest);
                        Hashes.finish(digest, order);
                        add(normalized(document.url()), document.tie(), WHOLE);
                    }
                }
                case TEXT -> {
                    Hashes.md5(digest, document.url(), order);
                    add(text, document.tie(), WHOLE);
                }
                case LINE -> {
                    Hashes.md5(digest, document.url().isEmpty() ? text : document.url(), order);
                    long tie = document.tie();
                    int from = 0;
                    for (int line = 0; from <= text.length(); line++) {
                        int end = text.indexOf('\n', from);
                        int to = end < 0 ? text.length() : end;
                        add(text.substring(from, to).strip().toLowerCase(Locale.ROOT), tie, line);
                        from = to + 1;
                    }
                }
            }
        }

        private void add(String content, long tie, int line) {
            HashValue128 hash = Hashes.of128(content);
            ready.add(RowFactory.create(
                    hash.getMostSignificantBits(),
                    hash.getLeastSignificantBits(),
                    order[0],
                    order[1],
                    tie,
                    line,
                    part,
                    number));
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new NoSuchElementException("no key is left");
            }
            return ready.remove();
        }
    }

    /** All rows of equal hashes but the first, of rows in their order. */
    private static final class Others implements MapPartitionsFunction<Row, Row>, Serializable {
        private static final long serialVersionUID = 1L;

        @Override
        public Iterator<Row> call(Iterator<Row> keys) {
            return new Iterator<>() {
                private boolean any;
                private long high;
                private long low;
                private Row next;

                @Override
                public boolean hasNext() {
                    while (next == null && keys.hasNext()) {
                        Row key = keys.next();
                        if (any && key.getLong(0) == high && key.getLong(1) == low) {
                            next = RowFactory.create(key.getInt(6), key.getInt(7), key.getInt(5));
                        }
                        any = true;
                        high = key.getLong(0);
                        low = key.getLong(1);
                    }
                    return next != null;
                }

                @Override
                public Row next() {
                    if (!hasNext()) {
                        throw new NoSuchElementException("no row is left");
                    }
                    Row row = next;
                    next = null;
                    return row;
                }
            };
        }
    }
}
