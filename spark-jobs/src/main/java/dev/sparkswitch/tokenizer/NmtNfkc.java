package dev.sparkswitch.tokenizer;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The rules of SentencePiece's default normalization {@code nmt_nfkc}: Unicode's NFKC, white space of every kind to
 * U+0020, control characters removed. After {@code Builder::BuildNmtNFKCMap} in SentencePiece's {@code builder.cc},
 * with the Unicode version of the running JDK.
 *
 * <p>NFKC as a finite set of rules covers single characters and the sequences that compose to one of them (a letter
 * and its accents, in any of their compatibility forms).
 */
final class NmtNfkc {
    private static final int[] SPACES = {
        0x0009, 0x000A, 0x000C, 0x000D, 0x1680, 0x200B, 0x200C, 0x200E, 0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD
    };
    private static final int FULL_WIDTH_TILDE = 0xFF5E;

    private NmtNfkc() {}

    /** Computing the rules takes about a second, so they are made once. */
    private static final class Holder {
        private static final CharacterMap MAP = CharacterMap.of(rules());
    }

    static CharacterMap characterMap() {
        return Holder.MAP;
    }

    static Map<String, String> rules() {
        Map<String, String> rules = withoutRedundant(nfkc());
        for (int space : SPACES) {
            rules.put(Character.toString(space), " ");
        }
        for (int control = 1; control < 0x20; control++) {
            rules.putIfAbsent(Character.toString(control), "");
        }
        // These three alone of the upper control characters: so does nmt_nfkc.
        for (int control : new int[] {0x7F, 0x8F, 0x9F}) {
            rules.put(Character.toString(control), "");
        }
        // Full-width and half-width tilde differ in Japanese.
        rules.remove(Character.toString(FULL_WIDTH_TILDE));
        return rules;
    }

    private static Map<String, String> nfkc() {
        Map<String, String> rules = new HashMap<>();
        Map<Integer, List<String>> sources = new HashMap<>();
        Set<String> decompositions = new HashSet<>();
        for (int codePoint = 1; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
            if (!Character.isDefined(codePoint) || Character.getType(codePoint) == Character.SURROGATE) {
                continue;
            }
            String character = Character.toString(codePoint);
            String composed = Normalizer.normalize(character, Normalizer.Form.NFKC);
            if (!composed.equals(character)) {
                rules.put(character, composed);
            }
            String decomposed = Normalizer.normalize(character, Normalizer.Form.NFKD);
            if (decomposed.codePointCount(0, decomposed.length()) == 1) {
                sources.computeIfAbsent(decomposed.codePointAt(0), key -> new ArrayList<>())
                        .add(character);
            } else {
                decompositions.add(decomposed);
            }
        }
        for (String decomposition : decompositions) {
            String composed = Normalizer.normalize(decomposition, Normalizer.Form.NFKC);
            if (composed.equals(decomposition)) {
                continue;
            }
            for (String spelling : spellings(decomposition, sources)) {
                if (!spelling.equals(composed)) {
                    rules.put(spelling, composed);
                }
            }
        }
        return rules;
    }

    /** Every sequence whose characters decompose, one by one, to those of {@code decomposition}. */
    private static List<String> spellings(String decomposition, Map<Integer, List<String>> sources) {
        List<String> spellings = List.of("");
        for (int codePoint : decomposition.codePoints().toArray()) {
            List<String> longer = new ArrayList<>();
            for (String spelling : spellings) {
                for (String source : sources.get(codePoint)) {
                    longer.add(spelling + source);
                }
            }
            spellings = longer;
        }
        return spellings;
    }

    /** Leaves out sequences that shorter rules already normalize in the same way. */
    private static Map<String, String> withoutRedundant(Map<String, String> rules) {
        Map<Integer, List<String>> byLength = new HashMap<>();
        int longest = 1;
        for (String key : rules.keySet()) {
            int length = key.codePointCount(0, key.length());
            longest = Math.max(longest, length);
            byLength.computeIfAbsent(length, size -> new ArrayList<>()).add(key);
        }
        Map<String, String> kept = new HashMap<>();
        for (int length = 1; length <= longest; length++) {
            Map<String, String> needed = new HashMap<>();
            for (String key : byLength.getOrDefault(length, List.of())) {
                String replacement = rules.get(key);
                if (length == 1 || !replacement.equals(replaceLongest(kept, key, length - 1))) {
                    needed.put(key, replacement);
                }
            }
            kept.putAll(needed);
        }
        return kept;
    }

    private static String replaceLongest(Map<String, String> rules, String text, int longest) {
        int[] codePoints = text.codePoints().toArray();
        StringBuilder result = new StringBuilder();
        int at = 0;
        while (at < codePoints.length) {
            int length = Math.min(longest, codePoints.length - at);
            String replacement = null;
            while (length > 0) {
                replacement = rules.get(new String(codePoints, at, length));
                if (replacement != null) {
                    break;
                }
                length--;
            }
            if (replacement == null) {
                result.appendCodePoint(codePoints[at++]);
            } else {
                result.append(replacement);
                at += length;
            }
        }
        return result.toString();
    }
}
