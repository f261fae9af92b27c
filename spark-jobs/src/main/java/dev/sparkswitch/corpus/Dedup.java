package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.concat_ws;
import static org.apache.spark.sql.functions.lower;
import static org.apache.spark.sql.functions.md5;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.posexplode;
import static org.apache.spark.sql.functions.regexp_replace;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.sort_array;
import static org.apache.spark.sql.functions.split;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.when;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.expressions.Window;

/** Removal of what is there twice. Which copy stays depends on the content alone, never on the partitions. */
final class Dedup {
    private Dedup() {}

    /** One document of every text. */
    static Dataset<Row> byText(Dataset<Row> documents) {
        return firstOfEach(documents, md5(col(Corpus.TEXT)));
    }

    /** One document of every address, the scheme, a closing slash and a fragment aside; all that have none. */
    static Dataset<Row> byUrl(Dataset<Row> documents) {
        Column address = regexp_replace(lower(trim(col(Corpus.URL))), "^[a-z]+://(www\\.)?|/?(#.*)?$", "");
        Dataset<Row> addressed = documents.filter(col(Corpus.URL).notEqual(""));
        return firstOfEach(addressed, address)
                .union(documents.filter(col(Corpus.URL).equalTo("")));
    }

    private static Dataset<Row> firstOfEach(Dataset<Row> documents, Column key) {
        Column place = row_number()
                .over(Window.partitionBy("key").orderBy(md5(col(Corpus.TEXT)), col(Corpus.URL), col(Corpus.SOURCE)));
        return documents
                .withColumn("key", key)
                .withColumn("place", place)
                .filter(col("place").equalTo(1))
                .drop("key", "place");
    }

    /**
     * One copy of every line, case and outer blanks aside: that in the page whose address (or text, if it has none) has
     * the smallest MD5 hash, as in C4, and there the first. Pages that lose every line vanish.
     */
    static Dataset<Row> byLine(Dataset<Row> documents) {
        Dataset<Row> pages = documents.withColumn(
                "page", md5(when(col(Corpus.URL).equalTo(""), col(Corpus.TEXT)).otherwise(col(Corpus.URL))));
        Dataset<Row> texts = pages.select(col("page"), posexplode(split(col(Corpus.TEXT), "\n", -1)))
                .groupBy(md5(lower(trim(col("col")))))
                .agg(min(struct("page", "pos", "col")).as("first"))
                .groupBy(col("first.page"))
                .agg(sort_array(collect_list(struct("first.pos", "first.col"))).as("lines"))
                .select(col("page"), concat_ws("\n", col("lines.col")).as(Corpus.TEXT));
        return pages.drop(Corpus.TEXT).join(texts, "page").drop("page");
    }
}
