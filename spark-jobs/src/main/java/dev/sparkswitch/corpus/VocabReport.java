package dev.sparkswitch.corpus;

import dev.sparkswitch.corpus.VocabSurvey.Measure;
import dev.sparkswitch.eval.report.Block;
import dev.sparkswitch.eval.report.Chart;
import dev.sparkswitch.eval.report.Numbers;
import dev.sparkswitch.eval.report.Page;
import dev.sparkswitch.eval.report.Prose;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.report.Table;
import dev.sparkswitch.eval.report.Tiles;
import dev.sparkswitch.tokenizer.SentencePieceModel;
import dev.sparkswitch.tokenizer.SentencePieceModel.Piece;
import dev.sparkswitch.tokenizer.SentencePieceModel.PieceType;
import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The page about a vocabulary: its pieces, and what they do to text. */
final class VocabReport {
    static final String FILE = "report.html";
    private static final String MARK = "\u2581";
    private static final int MOST_ROWS = 40;
    private static final int SHOWN_PIECES = 40;

    private final SentencePieceModel model;
    private final VocabSurvey survey;
    private final VocabConfig config;

    VocabReport(SentencePieceModel model, VocabSurvey survey, VocabConfig config) {
        this.model = model;
        this.survey = survey;
        this.config = config;
    }

    Page page() {
        Measure all = survey.all();
        Page page = Page.titled(
                "The vocabulary",
                config.from().map(from -> "taken from " + from).orElse("trained on " + config.corpus()));
        page.tile(new Tiles.Tile("Pieces", Numbers.count(model.pieces().size()), "", kind()));
        if (all.characters() > 0) {
            page.summary("A token stands for " + Numbers.decimal(1 / all.tokensPerCharacter(), 2)
                    + " characters of this text, a word takes " + Numbers.decimal(all.fertility(), 2) + " tokens, and "
                    + Numbers.percent(all.unknownShare()) + " of the tokens are unknown.");
            page.tile(new Tiles.Tile("Tokens a character", Numbers.decimal(all.tokensPerCharacter(), 4), "", ""))
                    .tile(new Tiles.Tile("Tokens a word", Numbers.decimal(all.fertility(), 2), "", "fertility"))
                    .tile(new Tiles.Tile("Unknown tokens", Numbers.percent(all.unknownShare()), "", ""));
        } else {
            page.summary("No corpus was at hand to measure the vocabulary on.");
        }
        page.section(new Page.Section("What it does to text", measures()))
                .section(new Page.Section("Texts cut into pieces", samples()))
                .section(new Page.Section("Its pieces", pieces()))
                .section(new Page.Section("Settings", Sections.facts(facts())));
        return page.footer("Everything on this page is contained in it; it loads nothing.");
    }

    private String kind() {
        return model.trainer().type().name().toLowerCase(java.util.Locale.ROOT)
                + (model.trainer().byteFallback() ? ", byte fallback" : "");
    }

    private List<Block> measures() {
        if (survey.all().characters() == 0) {
            return List.of();
        }
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Prose("Measured on " + Numbers.count(survey.all().documents())
                + " documents: held-out ones where the corpus has some. " + Numbers.count(survey.used()) + " of the "
                + Numbers.count(model.pieces().size()) + " pieces occur in them."));
        blocks.add(table("Language", survey.languages(), "By the language that prepare told."));
        blocks.add(table("Script", survey.scripts(), "By the script of a word's first letter."));
        return blocks;
    }

    private static Table table(String what, Map<String, Measure> measures, String caption) {
        Table table = Table.captioned(caption)
                .column(what, Table.Kind.TEXT)
                .column("Documents", Table.Kind.NUMBER)
                .column("Characters", Table.Kind.NUMBER)
                .column("Tokens", Table.Kind.NUMBER)
                .column("Tokens a character", Table.Kind.NUMBER)
                .column("Tokens a word", Table.Kind.NUMBER)
                .column("Unknown", Table.Kind.NUMBER);
        measures.entrySet().stream()
                .sorted(Comparator.comparingLong(entry -> -entry.getValue().characters()))
                .limit(MOST_ROWS)
                .forEach(entry -> {
                    Measure measure = entry.getValue();
                    table.row(
                            entry.getKey(),
                            Numbers.count(measure.documents()),
                            Numbers.count(measure.characters()),
                            Numbers.count(measure.tokens()),
                            Numbers.decimal(measure.tokensPerCharacter(), 4),
                            Numbers.decimal(measure.fertility(), 2),
                            Numbers.percent(measure.unknownShare()));
                });
        return table;
    }

    private List<Block> samples() {
        if (survey.samples().isEmpty()) {
            return List.of();
        }
        Table table = Table.captioned("A blank parts the pieces; " + MARK + " is the blank of the text.")
                .column("Language", Table.Kind.TEXT)
                .column("Pieces", Table.Kind.LONG_TEXT)
                .column("Tokens", Table.Kind.NUMBER);
        survey.samples()
                .forEach(sample -> table.row(
                        sample.language(),
                        String.join(" ", sample.pieces()),
                        Numbers.count(sample.pieces().size())));
        return List.of(table);
    }

    private List<Block> pieces() {
        Map<Integer, Integer> starts = new TreeMap<>();
        Map<Integer, Integer> inners = new TreeMap<>();
        Map<String, Integer> scripts = new TreeMap<>();
        int longest = 1;
        List<String> longestPieces = new ArrayList<>();
        for (Piece piece : model.pieces()) {
            if (piece.type() != PieceType.NORMAL && piece.type() != PieceType.USER_DEFINED) {
                continue;
            }
            String text = piece.text();
            int length = text.codePointCount(0, text.length());
            (text.startsWith(MARK) ? starts : inners).merge(length, 1, Integer::sum);
            longest = Math.max(longest, length);
            longestPieces.add(text);
            scripts.merge(script(text), 1, Integer::sum);
        }
        longestPieces.sort(Comparator.<String>comparingInt(text -> -text.codePointCount(0, text.length()))
                .thenComparing(Comparator.naturalOrder()));
        List<String> lengths = new ArrayList<>();
        double[] start = new double[longest];
        double[] inner = new double[longest];
        for (int length = 1; length <= longest; length++) {
            lengths.add(Integer.toString(length));
            start[length - 1] = starts.getOrDefault(length, 0);
            inner[length - 1] = inners.getOrDefault(length, 0);
        }
        Table byScript = Table.captioned("Pieces by the script of their first letter.")
                .column("Script", Table.Kind.TEXT)
                .column("Pieces", Table.Kind.NUMBER);
        scripts.entrySet().stream()
                .sorted(Comparator.comparingInt(entry -> -entry.getValue()))
                .forEach(entry -> byScript.row(entry.getKey(), Numbers.count(entry.getValue())));
        return List.of(
                Chart.bars(
                        "Pieces by length",
                        "In characters, the mark of a blank being one.",
                        Chart.Width.FULL,
                        new Chart.Axis("pieces", Chart.Format.COUNT),
                        lengths,
                        List.of(new Chart.Bars("begin a word", start), new Chart.Bars("go on with one", inner))),
                byScript,
                new Prose("The longest: "
                        + String.join(" ", longestPieces.subList(0, Math.min(SHOWN_PIECES, longestPieces.size())))));
    }

    private static String script(String text) {
        return text.codePoints()
                .filter(Character::isLetter)
                .mapToObj(UnicodeScript::of)
                .findFirst()
                .map(VocabSurvey::name)
                .orElse("no letter");
    }

    private List<Sections.Fact> facts() {
        List<Sections.Fact> facts = new ArrayList<>();
        facts.add(new Sections.Fact("model", kind()));
        facts.add(new Sections.Fact("normalization", model.normalizer().name()));
        if (config.from().isEmpty()) {
            facts.add(new Sections.Fact("sample", Double.toString(config.sample())));
            facts.add(new Sections.Fact("character-coverage", Double.toString(config.characterCoverage())));
            facts.add(new Sections.Fact("max-piece-length", Integer.toString(config.maxPieceLength())));
            facts.add(new Sections.Fact("user-symbols", String.join(" ", config.userSymbols())));
        }
        return facts;
    }
}
