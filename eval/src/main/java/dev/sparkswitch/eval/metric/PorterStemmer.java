package dev.sparkswitch.eval.metric;

import java.util.Map;

/**
 * The stemmer of M. F. Porter, "An algorithm for suffix stripping" (1980), with the departures of NLTK's
 * {@code PorterStemmer} in its default mode (irregular forms; {@code ies}/{@code ied} of short words; {@code y} only after a
 * consonant; {@code alli}, {@code fulli} and {@code logi} rules), which is what the reference ROUGE scorer uses. Other
 * Porter stemmers give other stems and so other scores.
 */
final class PorterStemmer {
    private static final Map<String, String> IRREGULAR = Map.ofEntries(
            Map.entry("sky", "sky"),
            Map.entry("skies", "sky"),
            Map.entry("dying", "die"),
            Map.entry("lying", "lie"),
            Map.entry("tying", "tie"),
            Map.entry("news", "news"),
            Map.entry("innings", "inning"),
            Map.entry("inning", "inning"),
            Map.entry("outings", "outing"),
            Map.entry("outing", "outing"),
            Map.entry("cannings", "canning"),
            Map.entry("canning", "canning"),
            Map.entry("howe", "howe"),
            Map.entry("proceed", "proceed"),
            Map.entry("exceed", "exceed"),
            Map.entry("succeed", "succeed"));

    // Pairs of suffix and replacement; the first suffix that fits decides, whether or not its condition holds.
    private static final String[][] STEP_2 = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"bli", "ble"},
        {"alli", "al"}, {"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"},
        {"ator", "ate"}, {"alism", "al"}, {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},
        {"iviti", "ive"}, {"biliti", "ble"}, {"fulli", "ful"}
    };
    private static final String[][] STEP_3 = {
        {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}
    };
    private static final String[] STEP_4 = {
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate",
        "iti", "ous", "ive", "ize"
    };

    private PorterStemmer() {}

    /** The stem of a lower-case word. */
    static String stem(String word) {
        String irregular = IRREGULAR.get(word);
        if (irregular != null) {
            return irregular;
        }
        if (word.length() <= 2) {
            return word;
        }
        return step5b(step5a(step4(step3(step2(step1c(step1b(step1a(word))))))));
    }

    private static String step1a(String word) {
        if (word.endsWith("ies") && word.length() == 4) {
            return replace(word, "ies", "ie");
        }
        if (word.endsWith("sses")) {
            return replace(word, "sses", "ss");
        }
        if (word.endsWith("ies")) {
            return replace(word, "ies", "i");
        }
        if (word.endsWith("ss")) {
            return word;
        }
        return word.endsWith("s") ? replace(word, "s", "") : word;
    }

    private static String step1b(String word) {
        if (word.endsWith("ied")) {
            return replace(word, "ied", word.length() == 4 ? "ie" : "i");
        }
        if (word.endsWith("eed")) {
            String stem = replace(word, "eed", "");
            return measure(stem) > 0 ? stem + "ee" : word;
        }
        String suffix = word.endsWith("ed") ? "ed" : word.endsWith("ing") ? "ing" : null;
        if (suffix == null || !hasVowel(replace(word, suffix, ""))) {
            return word;
        }
        String stem = replace(word, suffix, "");
        if (stem.endsWith("at") || stem.endsWith("bl") || stem.endsWith("iz")) {
            return stem + "e";
        }
        if (endsInDoubleConsonant(stem)) {
            char last = stem.charAt(stem.length() - 1);
            return last == 'l' || last == 's' || last == 'z' ? stem : stem.substring(0, stem.length() - 1);
        }
        return measure(stem) == 1 && endsInConsonantVowelConsonant(stem) ? stem + "e" : stem;
    }

    private static String step1c(String word) {
        if (!word.endsWith("y")) {
            return word;
        }
        String stem = word.substring(0, word.length() - 1);
        return stem.length() > 1 && isConsonant(stem, stem.length() - 1) ? stem + "i" : word;
    }

    private static String step2(String word) {
        // "alli" loses its suffix before the other rules see the word, which may then hold another.
        if (word.endsWith("alli") && measure(replace(word, "alli", "")) > 0) {
            return step2(replace(word, "alli", "al"));
        }
        for (String[] rule : STEP_2) {
            if (word.endsWith(rule[0])) {
                String stem = replace(word, rule[0], "");
                return measure(stem) > 0 ? stem + rule[1] : word;
            }
        }
        // "l" belongs to the stem whose measure counts, so that "geologi" qualifies.
        if (word.endsWith("logi")) {
            return measure(word.substring(0, word.length() - 3)) > 0 ? replace(word, "logi", "log") : word;
        }
        return word;
    }

    private static String step3(String word) {
        for (String[] rule : STEP_3) {
            if (word.endsWith(rule[0])) {
                String stem = replace(word, rule[0], "");
                return measure(stem) > 0 ? stem + rule[1] : word;
            }
        }
        return word;
    }

    private static String step4(String word) {
        for (String suffix : STEP_4) {
            if (word.endsWith(suffix)) {
                String stem = replace(word, suffix, "");
                boolean allowed = !suffix.equals("ion") || stem.endsWith("s") || stem.endsWith("t");
                return measure(stem) > 1 && allowed ? stem : word;
            }
        }
        return word;
    }

    private static String step5a(String word) {
        if (!word.endsWith("e")) {
            return word;
        }
        String stem = word.substring(0, word.length() - 1);
        int measure = measure(stem);
        return measure > 1 || measure == 1 && !endsInConsonantVowelConsonant(stem) ? stem : word;
    }

    private static String step5b(String word) {
        return word.endsWith("ll") && measure(word.substring(0, word.length() - 1)) > 1
                ? word.substring(0, word.length() - 1)
                : word;
    }

    private static String replace(String word, String suffix, String replacement) {
        return word.substring(0, word.length() - suffix.length()) + replacement;
    }

    private static boolean isConsonant(String word, int index) {
        return switch (word.charAt(index)) {
            case 'a', 'e', 'i', 'o', 'u' -> false;
            case 'y' -> index == 0 || !isConsonant(word, index - 1);
            default -> true;
        };
    }

    /** The number of vowel-consonant sequences: m of [C](VC)^m[V]. */
    private static int measure(String stem) {
        int measure = 0;
        for (int i = 1; i < stem.length(); i++) {
            if (isConsonant(stem, i) && !isConsonant(stem, i - 1)) {
                measure++;
            }
        }
        return measure;
    }

    private static boolean hasVowel(String stem) {
        for (int i = 0; i < stem.length(); i++) {
            if (!isConsonant(stem, i)) {
                return true;
            }
        }
        return false;
    }

    private static boolean endsInDoubleConsonant(String word) {
        int last = word.length() - 1;
        return last >= 1 && word.charAt(last) == word.charAt(last - 1) && isConsonant(word, last);
    }

    /** Consonant, vowel, consonant other than w, x and y; or, by NLTK's extension, a whole word of vowel and consonant. */
    private static boolean endsInConsonantVowelConsonant(String word) {
        int last = word.length() - 1;
        if (last == 1) {
            return !isConsonant(word, 0) && isConsonant(word, 1);
        }
        return last >= 2
                && isConsonant(word, last - 2)
                && !isConsonant(word, last - 1)
                && isConsonant(word, last)
                && "wxy".indexOf(word.charAt(last)) < 0;
    }
}
