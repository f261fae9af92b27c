package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.conv;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.substring;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Documents to stretches of tokens: documents go to buckets by their ids, are strung together there in order of the ids
 * without anything between them, and the string is cut at a fixed length, the rest of a bucket shorter. Nothing of this
 * depends on Spark's partitions, of which each takes some buckets whole.
 */
final class RawExamples {
    static final String BUCKET = "bucket";
    static final String EXAMPLE = "example";
    /** The place in the shuffle: examples are written in order of it. */
    static final String KEY = "key";
    /** The tokens, four bytes each. */
    static final String TOKENS = "tokens";
    /** How many times the corpus was gone through before. */
    static final String PASS = "pass";

    /** A stretch of one token has nothing that could be left out. */
    private static final int SHORTEST = 2;

    private static final StructType SCHEMA = new StructType()
            .add(KEY, DataTypes.LongType)
            .add(BUCKET, DataTypes.IntegerType)
            .add(EXAMPLE, DataTypes.LongType)
            .add(TOKENS, DataTypes.BinaryType)
            .add(PASS, DataTypes.IntegerType);

    private RawExamples() {}

    /**
     * @param documents with the columns of a corpus
     * @param length tokens of a stretch
     * @return rows of key, bucket, example, tokens and pass, which is 0
     */
    static Dataset<Row> of(
            Dataset<Row> documents, Broadcast<byte[]> model, int buckets, int length, long seed, int partitions) {
        return documents
                .select(
                        pmod(conv(substring(col(Corpus.ID), 1, 8), 16, 10).cast("long"), lit((long) buckets))
                                .cast("int")
                                .as(BUCKET),
                        col(Corpus.ID),
                        col(Corpus.TEXT))
                .repartition(Math.min(partitions, buckets), col(BUCKET))
                .sortWithinPartitions(BUCKET, Corpus.ID)
                .mapPartitions(
                        (MapPartitionsFunction<Row, Row>) rows -> new Cutter(rows, model.value(), length, seed),
                        Encoders.row(SCHEMA));
    }

    /**
     * The examples {@code passes} times over, each time with masks and a place in the shuffle of its own, so that a small
     * corpus is never seen twice in the same form.
     */
    static Dataset<Row> repeated(Dataset<Row> examples, int passes, long seed) {
        if (passes == 1) {
            return examples;
        }
        return examples.flatMap(
                (FlatMapFunction<Row, Row>) row -> {
                    List<Row> rows = new ArrayList<>(passes);
                    for (int pass = 0; pass < passes; pass++) {
                        rows.add(RowFactory.create(
                                key(seed, row.getInt(1), row.getLong(2), pass),
                                row.getInt(1),
                                row.getLong(2),
                                row.get(3),
                                pass));
                    }
                    return rows.iterator();
                },
                Encoders.row(SCHEMA));
    }

    /** The place in the shuffle of one example in one pass. */
    private static long key(long seed, int bucket, long example, int pass) {
        int[] words = new int[4];
        RandomStream.SHUFFLE.at(seed, bucket, pass).block(example, words);
        return (long) words[0] << 32 | words[1] & 0xFFFFFFFFL;
    }

    static int[] tokens(byte[] bytes) {
        int[] tokens = new int[bytes.length / Integer.BYTES];
        ByteBuffer.wrap(bytes).asIntBuffer().get(tokens);
        return tokens;
    }

    /** The documents of whole buckets, in order, to stretches; holds the tokens of one document. */
    private static final class Cutter implements Iterator<Row> {
        private final Iterator<Row> documents;
        private final Tokenizer tokenizer;
        private final int length;
        private final long seed;
        private int[] pending = new int[1024];
        private int from;
        private int to;
        private int bucket = -1;
        private long example;
        /** The first document of the next bucket, read before the rest of this one was given out. */
        private Row ahead;

        private Row next;

        Cutter(Iterator<Row> documents, byte[] model, int length, long seed) {
            this.documents = documents;
            this.tokenizer = new Tokenizer(model);
            this.length = length;
            this.seed = seed;
            TaskContext context = TaskContext.get();
            if (context != null) {
                context.addTaskCompletionListener((TaskCompletionListener) finished -> tokenizer.close());
            }
        }

        @Override
        public boolean hasNext() {
            while (next == null && (to - from >= length || fill())) {
                int size = Math.min(length, to - from);
                if (size >= SHORTEST) {
                    next = cut(size);
                } else {
                    from = to;
                }
            }
            return next != null;
        }

        /** Reads until a stretch is full or the bucket ends; false if nothing is left at all. */
        private boolean fill() {
            while (to - from < length) {
                Row document = ahead != null ? ahead : documents.hasNext() ? documents.next() : null;
                ahead = null;
                if (document == null) {
                    return to > from;
                }
                if (document.getInt(0) != bucket) {
                    if (to > from) {
                        ahead = document;
                        return true;
                    }
                    bucket = document.getInt(0);
                    example = 0;
                }
                append(tokenizer.encode(document.getString(2)));
            }
            return true;
        }

        private void append(int[] tokens) {
            int size = to - from;
            if (to + tokens.length > pending.length) {
                int[] target = size + tokens.length > pending.length
                        ? new int[Math.max(size + tokens.length, pending.length * 2)]
                        : pending;
                System.arraycopy(pending, from, target, 0, size);
                pending = target;
                from = 0;
                to = size;
            }
            System.arraycopy(tokens, 0, pending, to, tokens.length);
            to += tokens.length;
        }

        private Row cut(int size) {
            ByteBuffer tokens = ByteBuffer.allocate(size * Integer.BYTES);
            tokens.asIntBuffer().put(pending, from, size);
            from += size;
            long key = key(seed, bucket, example, 0);
            return RowFactory.create(key, bucket, example++, tokens.array(), 0);
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new NoSuchElementException("no example is left");
            }
            Row row = next;
            next = null;
            return row;
        }
    }
}
