package dev.sparkswitch.jobs.bench;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Made-up English web pages to measure with, always the same: common words by Zipf's law, names, numbers, menu lines, a
 * footer that recurs, and one page in twenty nearly the same as an earlier one. Lines of JSON with {@code url} and {@code
 * text}.
 */
final class PagesOfText {
    private static final long FILE_BYTES = 16L << 20;
    private static final int COPY_OF_EVERY = 20;
    private static final int REMEMBERED = 64;
    private static final String FOOTER = "Please read this notice with care before you copy anything from here.";

    private static final String[] WORDS =
            ("the of and to a in is that for it was on as with be by at this are from have or"
                            + " had not but they which one you were all her she there would their we him been has when who will no"
                            + " more if out so up said what its about than into them can only other time new some could these two"
                            + " may first then do any like my now over such our man me even most made after also did many off before"
                            + " must well back through years much where your way down should because long each just state those"
                            + " people too mr how little good world make very year still see own work men day get here old life both"
                            + " between being under three never know same last another while us might great go come since against"
                            + " right came take used himself few house use place during high without again home around small however"
                            + " found american part once government school every went thought united left number course war until"
                            + " always away something fact water though less public put thing almost hand enough far took head yet"
                            + " better set told nothing night end why called eyes find going look asked later knew point next program"
                            + " city business give group toward days young let room within children side social given order often"
                            + " early national possible important rather second power among present case system interest large"
                            + " family best kind different general development report question service community information local"
                            + " company market history language science research university health education policy economic"
                            + " political international production material industry technology agreement parliament commission"
                            + " president minister european country region agriculture environment transport energy security"
                            + " employment financial measure support problem result example experience knowledge situation"
                            + " opportunity responsibility organisation government's yesterday tomorrow morning evening winter"
                            + " summer river mountain forest village garden kitchen window table letter book paper story picture"
                            + " music teacher student doctor farmer worker writer reader player friend brother sister mother father")
                    .split(" ");
    private static final String[] SYLLABLES =
            "al ba ber bo chan den dor el fen gar han is jor ken lam mar nor ol per quin ros sel tam ul ver wil yor zan"
                    .split(" ");

    private final List<String> recent = new ArrayList<>();
    private final int[] words = new int[4];
    private Philox philox;
    private long element;

    /**
     * Writes pages into files of some 16 MB in {@code folder}.
     *
     * @param bytes of files in all, about
     */
    static void write(Path folder, long bytes) throws IOException {
        Files.createDirectories(folder);
        PagesOfText pages = new PagesOfText();
        long written = 0;
        int page = 0;
        for (int file = 0; written < bytes; file++) {
            long end = Math.min(bytes, written + FILE_BYTES);
            try (BufferedWriter out = Files.newBufferedWriter(
                    folder.resolve("pages-%05d.jsonl".formatted(file)), StandardCharsets.UTF_8)) {
                for (; written < end; page++) {
                    // The text has no character that JSON escapes but the ends of its lines.
                    String line = "{\"url\":\"http://example.org/" + page + "\",\"text\":\""
                            + pages.page(page).replace("\n", "\\n") + "\"}\n";
                    out.write(line);
                    written += line.length();
                }
            }
        }
    }

    private String page(int number) {
        philox = RandomStream.DEMO.at(number, 1, 1);
        element = 0;
        if (number % COPY_OF_EVERY == COPY_OF_EVERY - 1) {
            return nearly(recent.get(below(recent.size())));
        }
        StringBuilder text = new StringBuilder();
        int lines = 4 + below(20);
        for (int line = 0; line < lines; line++) {
            if (line > 0) {
                text.append('\n');
            }
            switch (below(12)) {
                case 0 -> text.append("Home News About ").append(name());
                case 1 -> text.append(FOOTER);
                default -> {
                    int sentences = 1 + below(3);
                    for (int sentence = 0; sentence < sentences; sentence++) {
                        text.append(sentence > 0 ? " " : "");
                        sentence(text);
                    }
                }
            }
        }
        String page = text.toString();
        if (recent.size() < REMEMBERED) {
            recent.add(page);
        } else {
            recent.set(number % REMEMBERED, page);
        }
        return page;
    }

    /** The page with one word in a hundred or so exchanged. */
    private String nearly(String page) {
        StringBuilder copy = new StringBuilder();
        for (String word : page.split(" ")) {
            copy.append(copy.isEmpty() ? "" : " ").append(below(100) == 0 && word.indexOf('\n') < 0 ? name() : word);
        }
        return copy.toString();
    }

    private void sentence(StringBuilder text) {
        int size = 6 + below(16);
        for (int i = 0; i < size; i++) {
            String word =
                    switch (below(16)) {
                        case 0 -> name();
                        case 1 -> i == 0 ? "In" : Integer.toString(below(2100));
                        default -> common();
                    };
            if (i == 0) {
                text.append(Character.toUpperCase(word.charAt(0))).append(word, 1, word.length());
            } else {
                text.append(below(12) == 0 ? ", " : " ").append(word);
            }
        }
        text.append(below(8) == 0 ? '?' : '.');
    }

    /** The n-th word with a probability about 1/n: the exponential of a uniform number. */
    private String common() {
        double place = Math.exp(uniform() * Math.log(WORDS.length + 1.0)) - 1;
        return WORDS[Math.min(WORDS.length - 1, (int) place)];
    }

    private String name() {
        StringBuilder name = new StringBuilder();
        int syllables = 2 + below(2);
        for (int i = 0; i < syllables; i++) {
            name.append(SYLLABLES[below(SYLLABLES.length)]);
        }
        name.setCharAt(0, Character.toUpperCase(name.charAt(0)));
        return name.toString();
    }

    private int below(int bound) {
        return (int) (uniform() * bound);
    }

    private double uniform() {
        int place = (int) (element & 3);
        if (place == 0) {
            philox.block(element >>> 2, words);
        }
        element++;
        return (words[place] & 0xFFFFFFFFL) * 0x1p-32;
    }
}
