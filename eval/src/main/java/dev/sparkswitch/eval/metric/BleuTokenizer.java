package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.regex.Pattern;

/** The tokenizers of sacreBLEU (Post 2018) that SparkSwitch offers; each yields words separated by single spaces. */
public enum BleuTokenizer {
    /** mteval-v13a's, the default of WMT. */
    MTEVAL_13A("13a") {
        @Override
        public String tokenize(String line) {
            String text = line.replace("<skipped>", "").replace("-\n", "").replace("\n", " ");
            if (text.indexOf('&') >= 0) {
                text = text.replace("&quot;", "\"")
                        .replace("&amp;", "&")
                        .replace("&lt;", "<")
                        .replace("&gt;", ">");
            }
            text = MARKS.matcher(" " + text + " ").replaceAll(" $1 ");
            text = STOP_AFTER_OTHER.matcher(text).replaceAll("$1 $2 ");
            text = STOP_BEFORE_OTHER.matcher(text).replaceAll(" $1 $2");
            text = DASH_AFTER_DIGIT.matcher(text).replaceAll("$1 $2 ");
            return String.join(" ", Words.split(text));
        }
    },
    /** mteval-v14's international one, by Unicode categories: what T5 scores with. */
    INTERNATIONAL("intl") {
        @Override
        public String tokenize(String line) {
            String text = PUNCTUATION_AFTER_OTHER.matcher(line).replaceAll("$1 $2 ");
            text = PUNCTUATION_BEFORE_OTHER.matcher(text).replaceAll(" $1 $2");
            text = SYMBOL.matcher(text).replaceAll(" $1 ");
            return String.join(" ", Words.split(text));
        }
    },
    /** Every character is a word. */
    CHARACTERS("char") {
        @Override
        public String tokenize(String line) {
            List<String> characters =
                    line.codePoints().mapToObj(Character::toString).toList();
            return String.join(" ", Words.split(String.join(" ", characters)));
        }
    },
    /** The text is tokenized already. */
    NONE("none") {
        @Override
        public String tokenize(String line) {
            return String.join(" ", Words.split(line));
        }
    };

    private static final Pattern MARKS = Pattern.compile("([{-~\\[-` -&(-+:-@/])");
    private static final Pattern STOP_AFTER_OTHER = Pattern.compile("([^0-9])([.,])");
    private static final Pattern STOP_BEFORE_OTHER = Pattern.compile("([.,])([^0-9])");
    private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");
    private static final Pattern PUNCTUATION_AFTER_OTHER = Pattern.compile("(\\P{N})(\\p{P})");
    private static final Pattern PUNCTUATION_BEFORE_OTHER = Pattern.compile("(\\p{P})(\\P{N})");
    private static final Pattern SYMBOL = Pattern.compile("(\\p{S})");

    private final String label;

    BleuTokenizer(String label) {
        this.label = label;
    }

    /** sacreBLEU's name of it. */
    public String label() {
        return label;
    }

    /** The words of {@code line}, separated by single spaces. */
    public abstract String tokenize(String line);
}
