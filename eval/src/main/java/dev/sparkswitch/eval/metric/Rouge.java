package dev.sparkswitch.eval.metric;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * ROUGE of one pair of texts (C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", 2004) as Google's
 * {@code rouge_score} package computes it, which is what T5's figures rest on.
 */
public final class Rouge {
    /** The variants. */
    public enum Type {
        ROUGE_1("rouge1"),
        ROUGE_2("rouge2"),
        /** Longest common subsequence of the whole texts. */
        ROUGE_L("rougeL"),
        /** Union of longest common subsequences over sentences, which are lines. */
        ROUGE_L_SUM("rougeLsum");

        private final String label;

        Type(String label) {
            this.label = label;
        }

        /** The customary name. */
        public String label() {
            return label;
        }
    }

    /** Whether words are stemmed before they are compared. */
    public enum Stemming {
        NONE,
        /** Porter's stemmer in NLTK's variant, for words of more than three letters. */
        PORTER
    }

    /** Precision, recall and their harmonic mean, from 0 to 1. */
    public record Score(double precision, double recall, double fMeasure) {
        static final Score ZERO = new Score(0, 0, 0);

        static Score of(int hits, int predicted, int wanted) {
            double precision = (double) hits / Math.max(1, predicted);
            double recall = (double) hits / Math.max(1, wanted);
            double sum = precision + recall;
            return new Score(precision, recall, sum > 0 ? 2 * precision * recall / sum : 0);
        }
    }

    private Rouge() {}

    /** Puts each sentence that ends in a period standing alone on a line of its own, as T5 does before scoring. */
    public static String linesAtPeriods(String text) {
        return text.replace(" . ", " .\n");
    }

    /** Scores {@code prediction} against {@code target}. */
    public static Score score(Type type, Stemming stemming, String target, String prediction) {
        return switch (type) {
            case ROUGE_1 -> ngrams(tokens(target, stemming), tokens(prediction, stemming), 1);
            case ROUGE_2 -> ngrams(tokens(target, stemming), tokens(prediction, stemming), 2);
            case ROUGE_L -> wholeText(tokens(target, stemming), tokens(prediction, stemming));
            case ROUGE_L_SUM -> summary(sentences(target, stemming), sentences(prediction, stemming));
        };
    }

    /** Lower-case runs of ASCII letters and digits, stemmed where asked for. */
    static List<String> tokens(String text, Stemming stemming) {
        String lower = Words.lower(text);
        List<String> tokens = new ArrayList<>();
        int start = -1;
        for (int i = 0; i <= lower.length(); i++) {
            char c = i < lower.length() ? lower.charAt(i) : ' ';
            boolean inside = c >= 'a' && c <= 'z' || c >= '0' && c <= '9';
            if (inside && start < 0) {
                start = i;
            } else if (!inside && start >= 0) {
                String token = lower.substring(start, i);
                tokens.add(stemming == Stemming.PORTER && token.length() > 3 ? PorterStemmer.stem(token) : token);
                start = -1;
            }
        }
        return tokens;
    }

    private static List<List<String>> sentences(String text, Stemming stemming) {
        List<List<String>> sentences = new ArrayList<>();
        for (String line : text.split("\n")) {
            if (!line.isEmpty()) {
                sentences.add(tokens(line, stemming));
            }
        }
        return sentences;
    }

    private static Score ngrams(List<String> target, List<String> prediction, int order) {
        Map<String, Integer> wanted = ngramCounts(target, order);
        Map<String, Integer> given = ngramCounts(prediction, order);
        return Score.of(Words.overlap(wanted, given), prediction.size() - order + 1, target.size() - order + 1);
    }

    private static Map<String, Integer> ngramCounts(List<String> tokens, int order) {
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i + order <= tokens.size(); i++) {
            counts.merge(String.join(" ", tokens.subList(i, i + order)), 1, Integer::sum);
        }
        return counts;
    }

    private static Score wholeText(List<String> target, List<String> prediction) {
        if (target.isEmpty() || prediction.isEmpty()) {
            return Score.ZERO;
        }
        int common = table(target, prediction)[target.size()][prediction.size()];
        return Score.of(common, prediction.size(), target.size());
    }

    /** Each target sentence's union with all predicted sentences, no token counted more often than either text has it. */
    private static Score summary(List<List<String>> target, List<List<String>> prediction) {
        Map<String, Integer> wanted = new HashMap<>();
        Map<String, Integer> given = new HashMap<>();
        int wantedTokens = countAll(target, wanted);
        int givenTokens = countAll(prediction, given);
        if (wantedTokens == 0 || givenTokens == 0) {
            return Score.ZERO;
        }
        int hits = 0;
        for (List<String> sentence : target) {
            BitSet union = new BitSet();
            for (List<String> candidate : prediction) {
                markCommon(sentence, candidate, union);
            }
            for (int i = union.nextSetBit(0); i >= 0; i = union.nextSetBit(i + 1)) {
                String token = sentence.get(i);
                if (wanted.getOrDefault(token, 0) > 0 && given.getOrDefault(token, 0) > 0) {
                    hits++;
                    wanted.merge(token, -1, Integer::sum);
                    given.merge(token, -1, Integer::sum);
                }
            }
        }
        return Score.of(hits, givenTokens, wantedTokens);
    }

    private static int countAll(List<List<String>> sentences, Map<String, Integer> counts) {
        int total = 0;
        for (List<String> sentence : sentences) {
            total += sentence.size();
            for (String token : sentence) {
                counts.merge(token, 1, Integer::sum);
            }
        }
        return total;
    }

    /** Marks the positions of one longest common subsequence; of several, the one that the reference scorer picks. */
    private static void markCommon(List<String> target, List<String> prediction, BitSet marked) {
        int[][] table = table(target, prediction);
        int i = target.size();
        int j = prediction.size();
        while (i > 0 && j > 0) {
            if (target.get(i - 1).equals(prediction.get(j - 1))) {
                marked.set(i - 1);
                i--;
                j--;
            } else if (table[i][j - 1] > table[i - 1][j]) {
                j--;
            } else {
                i--;
            }
        }
    }

    /** [target + 1][prediction + 1]: length of the longest common subsequence of the prefixes. */
    private static int[][] table(List<String> target, List<String> prediction) {
        int[][] table = new int[target.size() + 1][prediction.size() + 1];
        for (int i = 1; i <= target.size(); i++) {
            String token = target.get(i - 1);
            for (int j = 1; j <= prediction.size(); j++) {
                table[i][j] = token.equals(prediction.get(j - 1))
                        ? table[i - 1][j - 1] + 1
                        : Math.max(table[i - 1][j], table[i][j - 1]);
            }
        }
        return table;
    }
}
