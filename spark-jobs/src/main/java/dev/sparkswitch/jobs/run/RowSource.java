package dev.sparkswitch.jobs.run;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.from_json;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.monotonically_increasing_id;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.trim;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.InputFiles;
import dev.sparkswitch.eval.task.Prompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Input rows with their numbers: files in order of their paths, rows in order of the file. A row is read as its own columns
 * (Parquet output), {@link #ROW} as a JSON object (all others), and its number.
 */
final class RowSource {
    /** The field of a line of text. */
    static final String TEXT = "text";
    /** The row as a JSON object. */
    static final String ROW = "sparkswitch-row";
    /** The row's number in the whole input, from 0. */
    static final String NUMBER = "sparkswitch-number";

    private static final String FILE = "sparkswitch-file";
    private static final String START = "sparkswitch-start";
    private static final String WITHIN = "sparkswitch-within";
    private static final long SPLIT_BYTES = 64L << 20;

    private final SparkSession spark;
    private final GenerateConfig config;
    private final InputFiles files;
    private long rows;

    RowSource(SparkSession spark, GenerateConfig config, InputFiles files) {
        this.spark = spark.newSession();
        this.config = config;
        this.files = files;
        // As costly to open as large: then a partition is one piece of one file, and its rows can be numbered.
        this.spark.conf().set("spark.sql.files.maxPartitionBytes", Long.toString(SPLIT_BYTES));
        this.spark.conf().set("spark.sql.files.openCostInBytes", Long.toString(SPLIT_BYTES));
        this.spark.conf().set("spark.sql.adaptive.enabled", "false");
    }

    /** The number of rows; known once they were {@link #numbered}. */
    long rows() {
        return rows;
    }

    /** All rows, in no particular order: columns of their own, if any, then {@link #ROW} and {@link #NUMBER}. */
    Dataset<Row> numbered() {
        Dataset<Row> placed =
                read().withColumn(WITHIN, monotonically_increasing_id().bitwiseAND(lit((1L << 33) - 1)));
        Dataset<Row> pieces = spark.createDataFrame(
                offsets(placed),
                new StructType()
                        .add(FILE, DataTypes.StringType)
                        .add(START, DataTypes.LongType)
                        .add("offset", DataTypes.LongType));
        return placed.join(functions.broadcast(pieces), new String[] {FILE, START})
                .withColumn(NUMBER, col("offset").plus(col("`" + WITHIN + "`")))
                .drop(FILE, START, WITHIN, "offset");
    }

    /** The number of the first row of each piece of a file. */
    private List<Row> offsets(Dataset<Row> placed) {
        List<Row> counts = new ArrayList<>(
                placed.groupBy(quoted(FILE), quoted(START)).agg(count(lit(1))).collectAsList());
        counts.sort(Comparator.comparing((Row row) -> row.getString(0)).thenComparing(row -> row.getLong(1)));
        List<Row> offsets = new ArrayList<>();
        for (Row piece : counts) {
            offsets.add(RowFactory.create(piece.getString(0), piece.getLong(1), rows));
            rows += piece.getLong(2);
        }
        if (rows == 0) {
            throw new UserException(
                    "The input " + String.join(", ", config.input().paths()) + " holds no rows: correct input.paths.");
        }
        return offsets;
    }

    private Dataset<Row> read() {
        Column file = col("_metadata.file_path").as(FILE);
        Column start = col("_metadata.file_block_start").as(START);
        return switch (config.input().format()) {
            case TEXT -> {
                Dataset<Row> lines = spark.read().text(files.paths());
                Column row = to_json(struct(col("value").as(TEXT))).as(ROW);
                yield config.outputFormat() == GenerateConfig.OutputFormat.JSON
                        ? lines.select(row, file, start)
                        : lines.select(col("value").as(TEXT), row, file, start);
            }
            case JSON -> {
                Dataset<Row> lines = spark.read()
                        .text(files.paths())
                        .filter(trim(col("value")).notEqual(""));
                if (config.outputFormat() == GenerateConfig.OutputFormat.JSON) {
                    yield lines.select(col("value").as(ROW), file, start);
                }
                StructType schema = spark.read()
                        .json(lines.select("value").as(Encoders.STRING()))
                        .schema();
                yield lines.select(
                                from_json(col("value"), schema).as("row"),
                                col("value").as(ROW),
                                file,
                                start)
                        .select(columns(schema, "row.", quoted(ROW), quoted(FILE), quoted(START)));
            }
            case PARQUET -> {
                Dataset<Row> table = spark.read().parquet(files.paths());
                requireColumns(table.columns());
                Column row = to_json(struct(columns(table.schema(), "")), Map.of("ignoreNullFields", "false"))
                        .as(ROW);
                yield config.outputFormat() == GenerateConfig.OutputFormat.JSON
                        ? table.select(row, file, start)
                        : table.select(columns(table.schema(), "", row, file, start));
            }
        };
    }

    private void requireColumns(String[] columns) {
        List<String> there = Arrays.asList(columns);
        for (String field : Prompt.of(config.prompt()).fields()) {
            if (!there.contains(field)) {
                throw new UserException("The input " + files.paths()[0] + " has no column '" + field + "', only "
                        + String.join(", ", there) + "; correct prompt.");
            }
        }
        if (there.contains(config.answerColumn())) {
            throw new UserException("The input " + files.paths()[0] + " has a column '" + config.answerColumn()
                    + "' already; name another answer-column.");
        }
    }

    private static Column[] columns(StructType schema, String prefix, Column... more) {
        List<Column> columns = new ArrayList<>();
        for (String name : schema.fieldNames()) {
            columns.add(col(prefix + "`" + name.replace("`", "``") + "`"));
        }
        columns.addAll(List.of(more));
        return columns.toArray(Column[]::new);
    }

    private static Column quoted(String name) {
        return col("`" + name + "`");
    }
}
