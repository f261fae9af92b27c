package dev.sparkswitch.corpus;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import java.util.List;
import java.util.Optional;

/** The settings of {@link Prepare}. */
public record PrepareConfig(
        @Setting(help = "what is read") Input input,

        @Setting(help = "folder for the corpus") String output,

        @Setting(value = "c4", help = "rules: c4 (those of C4, for web pages), light (for clean text) or none")
        Preset preset,

        @Setting(help = "language identification") Language language,

        @Setting(help = "thresholds, where they differ from the preset's")
        Rules rules,

        @Setting(help = "texts that are nearly the same") NearDuplicatesConfig nearDuplicates,

        @Setting(help = "texts that evaluation sets hold") DecontaminateConfig decontaminate,

        @Setting(value = "0.01", help = "share of the documents that is held out of training")
        double heldout,

        @Setting(value = "0", help = "partitions of the work; 0: four a core")
        int partitions,

        @Setting(value = "128MiB", help = "text that a file of the corpus holds")
        DataSize fileSize) {

    public PrepareConfig {
        if (!(heldout >= 0 && heldout < 1)) {
            throw new IllegalArgumentException("heldout " + heldout + " must lie in [0, 1)");
        }
        if (partitions < 0) {
            throw new IllegalArgumentException("partitions " + partitions + " must be 0 or more");
        }
        if (fileSize.bytes() < 1) {
            throw new IllegalArgumentException("file-size must be more than nothing");
        }
    }

    /** How the input is laid out; compression is known by the file's name. */
    public enum Format {
        /** One document a line. */
        TEXT,
        /** One document a line, its columns apart by a separator. */
        DELIMITED,
        /** One JSON object a line. */
        JSON,
        PARQUET
    }

    /** Which rules run. */
    public enum Preset {
        C4,
        LIGHT,
        NONE
    }

    /** What is read. */
    public record Input(
            @Setting(help = "files, folders or patterns, on any file system of Hadoop's")
            List<String> paths,

            @Setting(value = "text", help = "form of the files")
            Format format,

            @Setting(value = "[]", help = "delimited: names of the columns in their order")
            List<String> columns,

            @Setting(value = "\t", help = "delimited: what stands between columns")
            String separator,

            @Setting(value = "text", help = "column with the text")
            String textColumn,

            @Setting(value = "", help = "column with the address of the page, if there is one")
            String urlColumn) {
        public Input {
            if (paths.isEmpty()) {
                throw new IllegalArgumentException("paths must name a file or folder");
            }
            if (format == Format.DELIMITED && !columns.contains(textColumn)) {
                throw new IllegalArgumentException(
                        "columns " + columns + " must contain the text-column '" + textColumn + "'");
            }
            if (format == Format.DELIMITED && !urlColumn.isEmpty() && !columns.contains(urlColumn)) {
                throw new IllegalArgumentException(
                        "columns " + columns + " must contain the url-column '" + urlColumn + "'");
            }
            if (separator.isEmpty()) {
                throw new IllegalArgumentException("separator must not be empty");
            }
        }
    }

    /** Which languages stay. */
    public record Language(
            @Setting(help = "languages that stay, such as [en]; [] keeps all; left out: en for c4, otherwise all")
            Optional<List<String>> keep,

            @Setting(value = "0.99", help = "probability that the language must have")
            double probability,

            @Setting(value = "1000", help = "characters at the start that are looked at")
            int prefix) {
        public Language {
            if (!(probability >= 0 && probability <= 1)) {
                throw new IllegalArgumentException("probability " + probability + " must lie in [0, 1]");
            }
            if (prefix < 20) {
                throw new IllegalArgumentException("prefix " + prefix + " must be 20 or more");
            }
        }
    }

    /** Thresholds; each has its preset's value where it is not given. */
    public record Rules(
            @Setting(help = "least characters of a page") Optional<Integer> minCharacters,
            @Setting(help = "most characters of a page") Optional<Integer> maxCharacters,
            @Setting(help = "c4: most characters of a word") Optional<Integer> maxWordCharacters,
            @Setting(help = "c4: least words of a line") Optional<Integer> minLineWords,
            @Setting(help = "c4: least sentences of a page") Optional<Integer> minSentences,

            @Setting(value = "[]", help = "c4: words that drop a page")
            List<String> badWords) {}
}
