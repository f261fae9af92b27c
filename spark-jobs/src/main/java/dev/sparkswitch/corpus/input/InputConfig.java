package dev.sparkswitch.corpus.input;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import java.io.Serializable;
import java.util.List;

/** What is read: files, a table, or what a query answers. */
public record InputConfig(
        @Setting(value = "[]", help = "files, folders or patterns, on any file system of Hadoop's")
        List<String> paths,

        @Setting(
                value = "text",
                help =
                        "form of the files: text (a document a line), delimited, csv, json (an object a line), parquet, orc,"
                                + " warc (also WET and ARC); compression is known by their names")
        Format format,

        @Setting(value = "", help = "instead of paths: a table of Spark's catalogs")
        String table,

        @Setting(value = "", help = "instead of paths: a query in Spark's SQL")
        String sql,

        @Setting(
                value = "[]",
                help =
                        "delimited, csv: names of the columns in their order; csv without any has them in its first line")
        List<String> columns,

        @Setting(value = "", help = "delimited, csv: what stands between columns; left out: a tab, for csv a comma")
        String separator,

        @Setting(value = "text", help = "column with the text")
        String textColumn,

        @Setting(value = "", help = "column with the address of the page, if there is one")
        String urlColumn,

        @Setting(value = "16MiB", help = "most bytes of a row; a longer one is left out and counted")
        DataSize maxRow)
        implements Serializable {

    public InputConfig {
        int given = (paths.isEmpty() ? 0 : 1) + (table.isEmpty() ? 0 : 1) + (sql.isEmpty() ? 0 : 1);
        if (given == 0) {
            throw new IllegalArgumentException("paths is missing: name a file or folder, or give table or sql");
        }
        if (given > 1) {
            throw new IllegalArgumentException("only one of paths, table and sql can be read");
        }
        if (format == Format.DELIMITED && columns.isEmpty()) {
            throw new IllegalArgumentException(
                    "columns " + columns + " must contain the text-column '" + textColumn + "'");
        }
        if (!columns.isEmpty() && !columns.contains(textColumn)) {
            throw new IllegalArgumentException(
                    "columns " + columns + " must contain the text-column '" + textColumn + "'");
        }
        if (!columns.isEmpty() && !urlColumn.isEmpty() && !columns.contains(urlColumn)) {
            throw new IllegalArgumentException(
                    "columns " + columns + " must contain the url-column '" + urlColumn + "'");
        }
        if (format == Format.CSV && separator.length() > 1) {
            throw new IllegalArgumentException("separator '" + separator + "' must be one character for csv");
        }
        if (maxRow.bytes() < 1 || maxRow.bytes() > 1 << 30) {
            throw new IllegalArgumentException("max-row " + maxRow + " must be from 1B to 1GiB");
        }
    }

    /** How files are laid out. */
    public enum Format {
        /** One document a line. */
        TEXT,
        /** One document a line, its columns apart by a separator that occurs in none of them. */
        DELIMITED,
        /** Columns apart by a separator, quoted where they hold it or the end of a line (RFC 4180). */
        CSV,
        /** One JSON object a line. */
        JSON,
        PARQUET,
        ORC,
        /** Web archives: pages (WARC), their texts (WET). */
        WARC
    }

    /** Whether rows come from Spark's reader of tables rather than from ours of lines and records. */
    public boolean isTable() {
        return paths.isEmpty()
                || switch (format) {
                    case PARQUET, ORC -> true;
                    case TEXT, DELIMITED, CSV, JSON, WARC -> false;
                };
    }

    /** Whether rows know the address of their page. */
    public boolean hasUrls() {
        return !urlColumn.isEmpty() || !paths.isEmpty() && format == Format.WARC;
    }

    /** What stands between columns, with its default. */
    String separatorOrDefault() {
        if (!separator.isEmpty()) {
            return separator;
        }
        return format == Format.CSV ? "," : "\t";
    }
}
