package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.conv;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.substring;

import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.Serializable;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/**
 * Documents to stretches of tokens: documents go to buckets by their ids, are strung together there in order of the ids
 * without anything between them, and the string is cut at a fixed length, the rest of a bucket shorter. Nothing of this
 * depends on Spark's partitions, of which each takes some buckets whole and writes a file for each.
 *
 * @param files where the stretches go
 * @param model the tokenizer's model file
 * @param firstBucket the number of the source's first bucket
 * @param length tokens of a stretch
 * @param shortest a rest of fewer tokens is left out
 * @param documents counts those that were read
 */
record Stretches(
        BucketFiles files,
        Broadcast<byte[]> model,
        int firstBucket,
        int length,
        int shortest,
        LongAccumulator documents)
        implements Serializable {
    private static final String BUCKET = "bucket";
    private static final long HASHES = 1L << 32;
    /** Tokenizing is what takes long: in more than the usual tasks, so that the last ones end together. */
    private static final int FINER = 8;
    /** Text that is worth a task, which opens a tokenizer of its own. */
    private static final long GOOD_BYTES = 8 << 20;

    /** 32 bits of an id, which is a hash in hexadecimal digits; the first digit has place 1. */
    private static Column hash(int place) {
        return conv(substring(col(Corpus.ID), place, 8), 16, 10).cast("long");
    }

    /** The share of documents that {@code sample} asks for, the same whenever it is asked for again. */
    static Dataset<Row> sample(Dataset<Row> documents, double sample) {
        return sample >= 1 ? documents : documents.filter(hash(9).lt(lit((long) (sample * HASHES))));
    }

    /**
     * Documents by buckets, to be given to {@link #write}.
     *
     * @param buckets how many there are
     * @param done the numbers of those that need no writing
     * @param partitions tasks to make at least, where there are as many buckets
     * @param textBytes about how much text there is
     */
    Dataset<Row> buckets(Dataset<Row> documents, int buckets, Set<Integer> done, int partitions, long textBytes) {
        Dataset<Row> placed = documents.select(
                pmod(hash(1), lit((long) buckets)).plus(firstBucket).cast("int").as(BUCKET),
                col(Corpus.ID),
                col(Corpus.TEXT));
        if (!done.isEmpty()) {
            placed =
                    placed.filter(org.apache.spark.sql.functions.not(col(BUCKET).isin(done.toArray())));
        }
        long finer = Math.max(partitions, Math.min((long) FINER * partitions, textBytes / GOOD_BYTES));
        int spread = (int) Math.min(finer, buckets);
        return placed.repartitionById(spread, pmod(col(BUCKET), lit(spread))).sortWithinPartitions(BUCKET, Corpus.ID);
    }

    /** Writes the files of the buckets whose documents one partition has. */
    void write(Iterator<Row> rows) {
        try (Tokenizer tokenizer = new Tokenizer(model.value())) {
            Documents in = new Documents(rows);
            while (in.ahead != null) {
                int bucket = in.ahead.getInt(0);
                files.write(bucket, new Cutter(in, bucket, tokenizer));
            }
        }
    }

    /** Documents with a look at the next one. */
    private final class Documents {
        private final Iterator<Row> rows;
        private Row ahead;

        Documents(Iterator<Row> rows) {
            this.rows = rows;
            this.ahead = rows.hasNext() ? rows.next() : null;
        }

        /** The next document's text if it is of {@code bucket}, otherwise null. */
        String next(int bucket) {
            if (ahead == null || ahead.getInt(0) != bucket) {
                return null;
            }
            String text = ahead.getString(2);
            documents.add(1);
            ahead = rows.hasNext() ? rows.next() : null;
            return text;
        }
    }

    /** The stretches of one bucket; holds the tokens of one document. */
    private final class Cutter implements Iterator<RawExample> {
        private final Documents in;
        private final int bucket;
        private final Tokenizer tokenizer;
        private int[] pending = new int[1024];
        private int from;
        private int to;
        private boolean ended;

        Cutter(Documents in, int bucket, Tokenizer tokenizer) {
            this.in = in;
            this.bucket = bucket;
            this.tokenizer = tokenizer;
        }

        @Override
        public boolean hasNext() {
            while (!ended && to - from < length) {
                String text = in.next(bucket);
                if (text == null) {
                    ended = true;
                } else {
                    append(tokenizer.encode(text));
                }
            }
            return to - from >= (ended ? Math.min(shortest, length) : length);
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

        @Override
        public RawExample next() {
            if (!hasNext()) {
                throw new NoSuchElementException("no stretch is left");
            }
            int size = Math.min(length, to - from);
            from += size;
            return RawExample.stretch(pending, from - size, from);
        }
    }
}
