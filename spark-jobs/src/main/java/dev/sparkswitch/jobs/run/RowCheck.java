package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Finds the first row of a partition that cannot be answered: reading is cheap, and hours of writing may come after it. */
final class RowCheck implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1L;

    private final RowTexts texts;
    private final Answerer.Settings settings;

    private RowCheck(RowTexts texts, Answerer.Settings settings) {
        this.texts = texts;
        this.settings = settings;
    }

    /**
     * Reads all rows.
     *
     * @throws UserException naming the first that cannot be answered
     */
    static void run(Dataset<Row> numbered, RowTexts texts, Answerer.Settings settings) {
        StructType schema = new StructType().add("number", DataTypes.LongType).add("problem", DataTypes.StringType);
        Row first = null;
        for (Row found : numbered.mapPartitions(new RowCheck(texts, settings), Encoders.row(schema))
                .collectAsList()) {
            first = first == null || found.getLong(0) < first.getLong(0) ? found : first;
        }
        if (first != null) {
            throw new UserException(first.getString(1));
        }
    }

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        try (Tokenizer tokenizer = new Tokenizer(settings.vocabulary())) {
            while (rows.hasNext()) {
                Row row = rows.next();
                try {
                    Answerer.tokens(tokenizer, settings, texts.question(row, texts.tree(row)));
                } catch (UserException e) {
                    return List.of(RowFactory.create(RowTexts.number(row), e.getMessage()))
                            .iterator();
                }
            }
        }
        return List.<Row>of().iterator();
    }
}
