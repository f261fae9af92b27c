package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Some rules over all rows, in one go. Every partition ends with a row of its counts: counts are data like the
 * documents, so a task that Spark runs twice does not count twice.
 */
final class RulesPass implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1L;
    static final String READ = "documents";
    static final String KEPT = "documents-kept";
    static final String UNREADABLE = "dropped-unreadable";
    private static final String COUNTS = "counts";

    private static final StructType SCHEMA = new StructType()
            .add(Corpus.TEXT, DataTypes.StringType)
            .add(Corpus.URL, DataTypes.StringType)
            .add(Corpus.SOURCE, DataTypes.StringType)
            .add(Corpus.LANGUAGE, DataTypes.StringType)
            .add(COUNTS, DataTypes.BinaryType);

    private final List<Rule> rules;
    private final List<String> counters;

    RulesPass(List<Rule> rules) {
        this.rules = List.copyOf(rules);
        this.counters = new ArrayList<>(List.of(READ, KEPT, UNREADABLE));
        rules.forEach(rule -> counters.addAll(rule.counters()));
    }

    /** Rows of text, url, source, language and, on counting rows alone, counts. */
    Dataset<Row> over(Dataset<Row> rows) {
        return rows.mapPartitions(this, Encoders.row(SCHEMA));
    }

    /** The documents of what {@link #over} gave. */
    static Dataset<Row> kept(Dataset<Row> result) {
        return result.filter(col(COUNTS).isNull()).drop(COUNTS);
    }

    /** The counts of what {@link #over} gave, which starts the pass. */
    Map<String, Long> counts(Dataset<Row> result) {
        Tally total = new Tally(counters);
        long[] sums = total.counts();
        for (byte[] bytes : result.filter(col(COUNTS).isNotNull())
                .select(COUNTS)
                .as(Encoders.BINARY())
                .collectAsList()) {
            ByteBuffer counts = ByteBuffer.wrap(bytes);
            for (int i = 0; i < sums.length; i++) {
                sums[i] = Math.addExact(sums[i], counts.getLong());
            }
        }
        return new TreeMap<>(total.byName());
    }

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        return new Pass(rows);
    }

    /** One partition on its way through the rules. */
    private final class Pass implements Iterator<Row> {
        private final Iterator<Row> rows;
        private final Tally tally = new Tally(counters);
        private Row next;
        private boolean ended;

        Pass(Iterator<Row> rows) {
            this.rows = rows;
        }

        @Override
        public boolean hasNext() {
            while (next == null && rows.hasNext()) {
                next = clean(rows.next());
            }
            if (next == null && !ended) {
                ended = true;
                ByteBuffer counts = ByteBuffer.allocate(tally.counts().length * Long.BYTES);
                for (long count : tally.counts()) {
                    counts.putLong(count);
                }
                next = RowFactory.create(null, null, null, null, counts.array());
            }
            return next != null;
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new NoSuchElementException("no document is left");
            }
            Row row = next;
            next = null;
            return row;
        }

        /** The row as it goes on, or null if it is dropped. */
        private Row clean(Row row) {
            tally.count(READ);
            String text = row.getAs(Corpus.TEXT);
            if (text == null || text.isBlank()) {
                tally.count(UNREADABLE);
                return null;
            }
            Optional<Rule.Document> document = Optional.of(new Rule.Document(text, row.getAs(Corpus.LANGUAGE)));
            for (Rule rule : rules) {
                document = rule.apply(document.get(), tally);
                if (document.isEmpty()) {
                    return null;
                }
            }
            tally.count(KEPT);
            return RowFactory.create(
                    document.get().text(),
                    row.getAs(Corpus.URL),
                    row.getAs(Corpus.SOURCE),
                    document.get().language(),
                    null);
        }
    }
}
