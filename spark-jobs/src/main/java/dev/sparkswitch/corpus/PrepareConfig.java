package dev.sparkswitch.corpus;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.corpus.input.InputConfig;
import java.util.List;
import java.util.Optional;

/** The settings of {@link Prepare}. */
public record PrepareConfig(
        @Setting(help = "what is read") InputConfig input,

        @Setting(help = "folder for the corpus") String output,

        @Setting(
                value = "c4",
                help =
                        "rules: c4 (those of C4, for web pages), fineweb (those of FineWeb, for web pages), light (for clean"
                                + " text) or none")
        Preset preset,

        @Setting(help = "what is done, in this order; left out: the steps of the preset")
        Optional<List<Step>> steps,

        @Setting(help = "language identification") Language language,

        @Setting(help = "thresholds, where they differ from the preset's")
        Rules rules,

        @Setting(help = "texts that are nearly the same") NearDuplicatesConfig nearDuplicates,

        @Setting(help = "texts that evaluation sets hold") DecontaminateConfig decontaminate,

        @Setting(
                help =
                        "what is masked of people: mail, ip, phone; left out: mail and ip for fineweb, otherwise nothing")
        Optional<List<PersonalData>> mask,

        @Setting(help = "for a try: so many rows of the input, or below 1 this share of them")
        Optional<Double> sample,

        @Setting(value = "false", help = "whether a row that cannot be read is an error; otherwise it is counted")
        boolean strict,

        @Setting(
                value = "false",
                help = "whether dropped documents are written too, to the folder dropped of the output")
        boolean dropped,

        @Setting(value = "0.01", help = "share of the documents that is held out of training")
        double heldout,

        @Setting(value = "0", help = "partitions of the work; 0: four a core")
        int partitions,

        @Setting(value = "64MiB", help = "text that a file of the corpus holds")
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
        if (sample.isPresent() && !(sample.get() > 0)) {
            throw new IllegalArgumentException("sample " + sample.get() + " must be more than 0");
        }
        if (sample.isPresent() && sample.get() >= 1 && sample.get() != Math.rint(sample.get())) {
            throw new IllegalArgumentException(
                    "sample " + sample.get() + " must be a whole number of rows, or a share below 1");
        }
    }

    /** Which rules run. */
    public enum Preset {
        C4,
        FINEWEB,
        LIGHT,
        NONE
    }

    /** What can be done to documents. */
    public enum Step {
        /** Tags, control characters and runs of blanks are removed. */
        MARKUP,
        /** Too short or too long documents go. */
        LENGTH,
        /** Documents in other languages go. */
        LANGUAGE,
        /** C4's rules for lines and pages. */
        C4_LINES,
        /** Documents with too few sentences go. */
        SENTENCES,
        /** Gopher's rules against repetition. */
        GOPHER_REPETITION,
        /** Gopher's rules for prose. */
        GOPHER_QUALITY,
        /** FineWeb's rules for lines. */
        FINEWEB_QUALITY,
        /** Addresses and numbers of people are masked. */
        PERSONAL_DATA,
        /** One document of an address stays. */
        UNIQUE_URLS,
        /** One copy of a line stays. */
        UNIQUE_LINES,
        /** One document of a text stays. */
        UNIQUE_TEXTS,
        /** Documents that share words with evaluation sets go. */
        DECONTAMINATE,
        /** One of several nearly equal documents stays. */
        NEAR_DUPLICATES
    }

    /** What can be masked. */
    public enum PersonalData {
        MAIL,
        IP,
        PHONE
    }

    /** Which languages stay. */
    public record Language(
            @Setting(
                    help =
                            "languages that stay, such as [en]; [] keeps all; left out: en for c4 and fineweb, otherwise all")
            Optional<List<String>> keep,

            @Setting(help = "probability that the language must have; left out: 0.99, for fineweb 0.65")
            Optional<Double> probability,

            @Setting(value = "1000", help = "characters at the start that are looked at")
            int prefix) {
        public Language {
            if (probability.isPresent() && !(probability.get() >= 0 && probability.get() <= 1)) {
                throw new IllegalArgumentException("probability " + probability.get() + " must lie in [0, 1]");
            }
            if (prefix < 20) {
                throw new IllegalArgumentException("prefix " + prefix + " must be 20 or more");
            }
        }
    }

    /** Thresholds; each has its preset's value where it is not given. */
    public record Rules(
            @Setting(help = "length: least characters of a page")
            Optional<Integer> minCharacters,

            @Setting(help = "length: most characters of a page")
            Optional<Integer> maxCharacters,

            @Setting(help = "c4-lines: most characters of a word")
            Optional<Integer> maxWordCharacters,

            @Setting(help = "c4-lines: least words of a line")
            Optional<Integer> minLineWords,

            @Setting(help = "c4-lines, sentences: least sentences of a page")
            Optional<Integer> minSentences,

            @Setting(help = "c4-lines: whether a line must end in a mark; left out: not for fineweb")
            Optional<Boolean> endMarks,

            @Setting(value = "[]", help = "c4-lines: words that drop a page")
            List<String> badWords,

            @Setting(value = "", help = "c4-lines: file with more of them, one a line")
            String badWordsFile,

            @Setting(help = "shares of a page that repeats itself")
            GopherRepetitionRule.Thresholds gopherRepetition,

            @Setting(help = "what a page of prose keeps to") GopherQualityRule.Thresholds gopherQuality,
            @Setting(help = "what a page's lines keep to") FineWebQualityRule.Thresholds finewebQuality) {}
}
