package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.element_at;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.split;
import static org.apache.spark.sql.functions.when;

import dev.sparkswitch.base.UserException;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Raw files as rows of text, url and source (the file's name); the text of a row that cannot be read is null. */
final class Reader {
    private Reader() {}

    static Dataset<Row> read(SparkSession spark, InputFiles files, PrepareConfig.Input input) {
        Dataset<Row> rows =
                switch (input.format()) {
                    case TEXT ->
                        spark.read().text(files.paths()).select(col("value").as(Corpus.TEXT), lit("").as(Corpus.URL));
                    case DELIMITED -> delimited(spark, files, input);
                    case JSON -> json(spark, files, input);
                    case PARQUET -> parquet(spark, files, input);
                };
        return rows.withColumn(Corpus.SOURCE, element_at(split(input_file_name(), "/"), -1));
    }

    private static Dataset<Row> delimited(SparkSession spark, InputFiles files, PrepareConfig.Input input) {
        Column cells = split(col("value"), Pattern.quote(input.separator()), -1);
        Column whole = size(cells).equalTo(input.columns().size());
        int text = input.columns().indexOf(input.textColumn());
        Column url = input.urlColumn().isEmpty()
                ? lit("")
                : when(whole, cells.getItem(input.columns().indexOf(input.urlColumn())))
                        .otherwise("");
        return spark.read()
                .text(files.paths())
                .select(when(whole, cells.getItem(text)).as(Corpus.TEXT), url.as(Corpus.URL));
    }

    private static Dataset<Row> json(SparkSession spark, InputFiles files, PrepareConfig.Input input) {
        StructType schema = new StructType().add(input.textColumn(), DataTypes.StringType);
        if (!input.urlColumn().isEmpty()) {
            schema = schema.add(input.urlColumn(), DataTypes.StringType);
        }
        return columns(spark.read().schema(schema).json(files.paths()), input);
    }

    private static Dataset<Row> parquet(SparkSession spark, InputFiles files, PrepareConfig.Input input) {
        Dataset<Row> rows = spark.read().parquet(files.paths());
        for (String column : new String[] {input.textColumn(), input.urlColumn()}) {
            if (!column.isEmpty() && !Arrays.asList(rows.columns()).contains(column)) {
                throw new UserException("The input " + files.paths()[0] + " has no column '" + column + "', only "
                        + String.join(", ", rows.columns()) + "; correct input.text-column or input.url-column.");
            }
        }
        return columns(rows, input);
    }

    private static Dataset<Row> columns(Dataset<Row> rows, PrepareConfig.Input input) {
        Column url = input.urlColumn().isEmpty() ? lit("") : coalesce(quoted(input.urlColumn()), lit(""));
        return rows.select(
                quoted(input.textColumn()).cast("string").as(Corpus.TEXT),
                url.cast("string").as(Corpus.URL));
    }

    private static Column quoted(String name) {
        return col("`" + name.replace("`", "``") + "`");
    }
}
