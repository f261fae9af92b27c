package dev.sparkswitch.corpus.input;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Rows that Spark reads: Parquet and ORC files, tables of its catalogs, what a query answers. */
public final class Tables {
    private static final String TEXT = "text";
    private static final String URL = "url";
    private static final String SOURCE = "source";
    private static final String POSITION = "position";

    private Tables() {}

    /**
     * Columns text, url, source (the file's full path, or the table's name) and position (the row's number in a Parquet
     * file, otherwise -1).
     *
     * @param paths the files, unless a table or a query is configured
     * @throws UserException if there is no such table or column, or if the query is none
     */
    public static Dataset<Row> read(SparkSession spark, String[] paths, InputConfig config) {
        String what;
        Dataset<Row> rows;
        Column source;
        Column position = lit(-1L);
        try {
            if (!config.sql().isEmpty()) {
                what = "the answer of input.sql";
                rows = spark.sql(config.sql());
                source = lit("sql");
            } else if (!config.table().isEmpty()) {
                what = "the table " + config.table();
                rows = spark.table(config.table());
                source = lit(config.table());
            } else if (config.format() == InputConfig.Format.ORC) {
                what = "the input " + paths[0];
                rows = spark.read().orc(paths);
                source = col("_metadata.file_path");
            } else {
                what = "the input " + paths[0];
                rows = spark.read().parquet(paths);
                source = col("_metadata.file_path");
                position = col("_metadata.row_index");
            }
        } catch (Exception e) {
            throw refused(e, config);
        }
        for (String column : new String[] {config.textColumn(), config.urlColumn()}) {
            if (!column.isEmpty() && !Arrays.asList(rows.columns()).contains(column)) {
                throw new UserException(what.substring(0, 1).toUpperCase(Locale.ROOT) + what.substring(1)
                        + " has no column '" + column + "', only " + String.join(", ", rows.columns())
                        + "; correct input.text-column or input.url-column.");
            }
        }
        Column url = config.urlColumn().isEmpty() ? lit("") : coalesce(quoted(config.urlColumn()), lit(""));
        return rows.select(
                quoted(config.textColumn()).cast("string").as(TEXT),
                url.cast("string").as(URL),
                source.as(SOURCE),
                position.as(POSITION));
    }

    /** A row of {@link #read} with the source as provenance has it. */
    public static RawDocument document(Row row, String source, InputConfig config) {
        String text = row.getString(0);
        long position = row.getLong(3);
        if (text != null && text.length() > config.maxRow().bytes()) {
            return RawDocument.flawed(
                    RawDocument.Flaw.TOO_LONG, "more than " + config.maxRow() + " characters", source, position);
        }
        return RawDocument.of(text, row.getString(1), source, position);
    }

    /** How a manifest names a table or query: by its files where Spark knows them, so that others make another input. */
    public static Manifest.Input asInput(SparkSession spark, InputConfig config) {
        String[] files = read(spark, new String[0], config).inputFiles();
        Arrays.sort(files);
        CRC32C checksum = new CRC32C();
        checksum.update(String.join("\n", files).getBytes(StandardCharsets.UTF_8));
        return new Manifest.Input(
                "table",
                config.sql().isEmpty() ? config.table() : config.sql(),
                String.format("%d files crc32c:%08x", files.length, checksum.getValue()));
    }

    private static RuntimeException refused(Exception e, InputConfig config) {
        if (e instanceof AnalysisException) {
            String setting =
                    !config.sql().isEmpty() ? "input.sql" : !config.table().isEmpty() ? "input.table" : "input";
            String message = e.getMessage().lines().findFirst().orElse("");
            return new UserException("Spark refuses " + setting + " (" + message + "); correct it.", e);
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }

    private static Column quoted(String name) {
        return col("`" + name.replace("`", "``") + "`");
    }
}
