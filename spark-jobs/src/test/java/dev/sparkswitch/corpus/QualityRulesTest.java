package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.Configs;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The rules of Gopher and FineWeb at their published thresholds; the figures in the comments are worked out by hand. */
class QualityRulesTest {
    private static final String PROSE = SampleText.documents(1, 11).get(0);

    private static <T extends Record> T defaults(Class<T> type) {
        return Configs.load(type, new ByteArrayInputStream("{}".getBytes(StandardCharsets.UTF_8)), "test", List.of());
    }

    private static String fate(Rule rule, String text) {
        Tally tally = new Tally(rule.counters());
        tally.begin();
        Optional<Rule.Document> left = rule.apply(new Rule.Document(text, ""), tally);
        assertThat(left.isEmpty()).isEqualTo(!tally.lastDrop().isEmpty());
        return tally.lastDrop();
    }

    private static String quality(String text) {
        return fate(new GopherQualityRule(defaults(GopherQualityRule.Thresholds.class)), text);
    }

    private static String repetition(String text) {
        return fate(new GopherRepetitionRule(defaults(GopherRepetitionRule.Thresholds.class)), text);
    }

    private static String lines(String text) {
        return fate(new FineWebQualityRule(defaults(FineWebQualityRule.Thresholds.class)), text);
    }

    private static List<String> words(int count) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            // Base 26 in letters: every word is another one, of five letters.
            words.add("w" + (char) ('a' + i / 17576 % 26) + (char) ('a' + i / 676 % 26) + (char) ('a' + i / 26 % 26)
                    + (char) ('a' + i % 26));
        }
        return words;
    }

    private static String prose(int words) {
        List<String> all = words(words);
        all.set(3, "the");
        all.set(5, "with");
        return String.join(" ", all);
    }

    @Test
    void proseStays() {
        assertThat(quality(prose(60))).isEmpty();
        assertThat(repetition(prose(60))).isEmpty();
        assertThat(lines(PROSE)).isEmpty();
    }

    @Test
    void gopherCountsWords() {
        assertThat(quality(prose(49))).isEqualTo("dropped-quality-few-words");
        assertThat(quality(prose(50))).isEmpty();
        assertThat(quality(prose(100_000))).isEmpty();
        assertThat(quality(prose(100_001))).isEqualTo("dropped-quality-many-words");
        // 48 words and 10 marks: marks are no words.
        assertThat(quality(prose(48) + " , , , , , , , , , ,")).isEqualTo("dropped-quality-few-words");
    }

    @Test
    void gopherLooksAtTheMeanWord() {
        assertThat(quality("the with " + String.join(" ", Collections.nCopies(60, "abcdefghijk"))))
                .isEqualTo("dropped-quality-word-length");
        assertThat(quality("the with " + String.join(" ", Collections.nCopies(60, "ab"))))
                .isEqualTo("dropped-quality-word-length");
    }

    @Test
    void gopherCountsSymbols() {
        // 60 words and n hash signs, which are words of their own: n / (60 + n) is at most 0.1 up to 6.
        assertThat(quality(prose(60) + " # # # # # #")).isEmpty();
        assertThat(quality(prose(60) + " # # # # # # #")).isEqualTo("dropped-quality-symbols");
        assertThat(quality(prose(60) + " … … … … … … …")).isEqualTo("dropped-quality-symbols");
    }

    @Test
    void gopherLooksAtBothEndsOfLines() {
        List<String> bulleted = new ArrayList<>();
        for (String line : words(60)) {
            bulleted.add("- " + line + " the with of");
        }
        assertThat(quality(String.join("\n", bulleted))).isEqualTo("dropped-quality-bullets");
        bulleted.replaceAll(line -> line.substring(2));
        assertThat(quality(String.join("\n", bulleted))).isEmpty();
        for (int i = 0; i < 18; i++) {
            bulleted.set(i, bulleted.get(i) + "...");
        }
        // 18 of 60 lines are 30%.
        assertThat(quality(String.join("\n", bulleted))).isEmpty();
        bulleted.set(18, bulleted.get(18) + "...");
        assertThat(quality(String.join("\n", bulleted))).isEqualTo("dropped-quality-ellipses");
    }

    @Test
    void gopherWantsLettersAndStopWords() {
        // 48 of 60 words have letters: 80%.
        assertThat(quality(prose(48) + " 12345".repeat(12))).isEmpty();
        assertThat(quality(prose(48) + " 12345".repeat(13))).isEqualTo("dropped-quality-letters");
        assertThat(quality(String.join(" ", words(60)))).isEqualTo("dropped-quality-stop-words");
        assertThat(quality(String.join(" ", words(60)) + " the the the")).isEqualTo("dropped-quality-stop-words");
    }

    @Test
    void gopherDropsRepeatedLinesAndParagraphs() {
        List<String> lines = new ArrayList<>(words(70));
        // 30 of 100 lines are there again: not more than 30%; but they hold 30% of the characters.
        lines.addAll(Collections.nCopies(30, lines.get(0)));
        assertThat(repetition(String.join("\n", lines))).isEqualTo("dropped-repetition-lines");
        List<String> few = new ArrayList<>(words(90));
        few.addAll(words(10));
        assertThat(repetition(String.join("\n", few))).isEmpty();
        assertThat(repetition(String.join("\n\n", lines))).isEqualTo("dropped-repetition-paragraphs");
    }

    @Test
    void gopherDropsFrequentAndRepeatedRuns() {
        List<String> words = words(60);
        List<String> text = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            text.add(words.get(i));
            if (i % 3 == 2) {
                text.add("again now");
            }
        }
        // 20 runs of two words, 9 characters each, in 60 * 6 + 20 * 10 = 559 characters: 32%.
        assertThat(repetition(String.join(" ", text))).isEqualTo("dropped-repetition-frequent-words");
        List<String> twice = new ArrayList<>(words(200));
        twice.addAll(words(50));
        // 50 words of 250 are there again, in runs of any length: 20% of the words, 250 of 1499 characters or 16.7%.
        assertThat(repetition(String.join(" ", twice))).isEqualTo("dropped-repetition-repeated-words");
        List<String> less = new ArrayList<>(words(200));
        less.addAll(words(19));
        // Runs of ten find 10 of the 19 words: 50 of 1313 characters; runs of five 15: 75.
        assertThat(repetition(String.join(" ", less))).isEmpty();
    }

    @Test
    void fineWebLooksAtLines() {
        List<String> lines = new ArrayList<>();
        for (String word : words(100)) {
            lines.add(word + " and the rest of a line that is long enough");
        }
        for (int i = 0; i < 12; i++) {
            lines.set(i, lines.get(i) + ".");
        }
        assertThat(lines(String.join("\n", lines))).isEmpty();
        lines.set(0, lines.get(0) + " no");
        assertThat(lines(String.join("\n", lines))).isEqualTo("dropped-lines-marks");
        lines.replaceAll(line -> line.endsWith(".") ? line : line + ".");
        List<String> brief = new ArrayList<>(lines);
        for (int i = 0; i < 67; i++) {
            brief.set(i, words(100).get(i) + " of thirty characters..");
        }
        assertThat(brief.get(0)).hasSizeLessThanOrEqualTo(30);
        assertThat(lines(String.join("\n", brief))).isEmpty();
        brief.set(67, "short.");
        assertThat(lines(String.join("\n", brief))).isEqualTo("dropped-lines-short");
        List<String> again = new ArrayList<>(lines);
        // One of a hundred lines is there again, and some others are longer; then two are.
        again.set(51, again.get(50));
        assertThat(lines(String.join("\n", again))).isEmpty();
        again.set(52, again.get(50));
        assertThat(lines(String.join("\n", again))).isEqualTo("dropped-lines-again");
        List<String> list = words(100).stream()
                .map(word -> word + "-".repeat(30) + word + ".")
                .toList();
        assertThat(lines(String.join("\n", list))).isEmpty();
        List<String> items =
                words(100).stream().map(word -> word + "x".repeat(30) + ".").toList();
        // A word and a mark a line: 99 line ends for 200 words.
        assertThat(lines(String.join("\n", items))).isEqualTo("dropped-lines-list");
    }

    private static String masked(String text) {
        Rule rule = new PersonalDataRule(EnumSet.allOf(PrepareConfig.PersonalData.class));
        return rule.apply(new Rule.Document(text, ""), new Tally(rule.counters()))
                .orElseThrow()
                .text();
    }

    @Test
    void mailIsMasked() {
        assertThat(masked("Write to jane.doe+news@mail.example.co.uk, or to a@b.de."))
                .isEqualTo("Write to email@example.com, or to email@example.com.");
        assertThat(masked("@handle me@ a@b user@localhost x@y.z")).isEqualTo("@handle me@ a@b user@localhost x@y.z");
    }

    @Test
    void publicAddressesAreMaskedAndOthersStay() {
        assertThat(masked("ping 8.8.8.8, then 172.217.16.206.")).isEqualTo("ping 192.0.2.1, then 192.0.2.1.");
        String stay = "127.0.0.1 10.1.2.3 192.168.0.1 172.16.0.1 224.0.0.1 version 1.2.3.4.5 256.1.1.1 at 12:30:45";
        assertThat(masked(stay)).isEqualTo(stay);
        assertThat(masked("to 2a00:1450:4001:82b::200e and 2001:4860:4860:0:0:0:0:8888!"))
                .isEqualTo("to 2001:db8::1 and 2001:db8::1!");
        String six = "std::vector a::b ::1 fe80::1 1:2:3 00:1b:44:11:3a:b7 2001:db8::7";
        assertThat(masked(six)).isEqualTo(six);
    }

    @Test
    void phoneNumbersAreMasked() {
        assertThat(masked("Call +49 30 901820, +1 (212) 555-0187 or (415) 555-2671; fax 212-555-0123."))
                .isEqualTo("Call 555-0100, 555-0100 or 555-0100; fax 555-0100.");
        String stay = "In 2019-2020, 1,234,567 people; ISBN 978-3-16-148410-0; +5 points; 3.14159 26535";
        assertThat(masked(stay)).isEqualTo(stay);
    }

    @Test
    void badWordsAreWholeOnes() {
        BadWords words = new BadWords(List.of("Damn", "two words", "c++"));
        assertThat(words.isIn("well, damn it")).isTrue();
        assertThat(words.isIn("damnation")).isFalse();
        assertThat(words.isIn("in two words.")).isTrue();
        assertThat(words.isIn("in two wordsy")).isFalse();
        assertThat(words.isIn("two of words")).isFalse();
        assertThat(words.isIn("i like c++ a lot")).isTrue();
    }

    @Test
    void textIsTakenApartAsPythonDoes() {
        assertThat(TextScan.words("a\u00a0b\u2003c d", 0, 7)).isEqualTo(4);
        String text = "a\r\nb\u2028c\u001cd";
        List<String> lines = new ArrayList<>();
        for (int from = 0; from < text.length(); ) {
            int end = TextScan.lineEnd(text, from);
            lines.add(text.substring(from, end));
            from = TextScan.nextLine(text, end);
        }
        assertThat(lines).containsExactly("a", "b", "c", "d");
    }
}
