package dev.sparkswitch.corpus;

import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** What must be known of all examples before the first is written: where their keys lie, and their tokens. */
final class Survey implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[] rowsOfBin = new long[ShufflePlan.BINS];
    private final TokenStatistics tokens;

    private Survey(int vocabularySize) {
        tokens = new TokenStatistics(vocabularySize);
    }

    static Survey of(Dataset<Row> examples, int vocabularySize) {
        return examples.javaRDD()
                .mapPartitions(rows -> partition(rows, vocabularySize))
                .treeReduce(Survey::merge);
    }

    private static Iterator<Survey> partition(Iterator<Row> rows, int vocabularySize) {
        Survey survey = new Survey(vocabularySize);
        while (rows.hasNext()) {
            Row row = rows.next();
            survey.rowsOfBin[ShufflePlan.bin(row.getLong(0))]++;
            for (int token : RawExamples.tokens((byte[]) row.get(3))) {
                survey.tokens.add(token);
            }
        }
        return List.of(survey).iterator();
    }

    private Survey merge(Survey other) {
        for (int i = 0; i < rowsOfBin.length; i++) {
            rowsOfBin[i] += other.rowsOfBin[i];
        }
        tokens.merge(other.tokens);
        return this;
    }

    long rows() {
        long rows = 0;
        for (long count : rowsOfBin) {
            rows += count;
        }
        return rows;
    }

    TokenStatistics tokens() {
        return tokens;
    }

    ShufflePlan plan(long shardRows) {
        return new ShufflePlan(rowsOfBin, shardRows);
    }
}
