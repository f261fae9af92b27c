package dev.sparkswitch.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.eval.report.Block;
import dev.sparkswitch.eval.report.Chart;
import dev.sparkswitch.eval.report.Numbers;
import dev.sparkswitch.eval.report.Page;
import dev.sparkswitch.eval.report.Prose;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.report.Table;
import dev.sparkswitch.eval.report.Tiles;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.fs.Path;

/** The page on what was made: how full the rows are, of which sources, and how examples read. */
final class BatchReport {
    /** The page's file in the output folder. */
    static final String FILE = "report.html";

    private static final int LONGEST = 700;

    private final BatchConfig config;
    private final Vocabulary vocabulary;
    private final BoxStatistics train;
    private final BoxStatistics heldout;

    private BatchReport(BatchConfig config, Vocabulary vocabulary, BoxStatistics train, BoxStatistics heldout) {
        this.config = config;
        this.vocabulary = vocabulary;
        this.train = train;
        this.heldout = heldout;
    }

    /** Writes the page, unless the boxes lack the statistics it needs. */
    static void write(BatchConfig config, Vocabulary vocabulary, OutputFolder train, OutputFolder heldout) {
        Optional<BoxStatistics> training = BoxStatistics.read(train);
        Optional<BoxStatistics> scored = BoxStatistics.read(heldout);
        if (training.isEmpty() || scored.isEmpty()) {
            return;
        }
        BatchReport report = new BatchReport(config, vocabulary, training.get(), scored.get());
        try (OutputStream out = HadoopFiles.create(HadoopFiles.raw(train.files()), file(config))) {
            out.write(report.page().html().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw unwritable(config, e);
        }
    }

    /** The same where there is no page: a run was stopped before it wrote one, or somebody removed it. */
    static void writeIfMissing(BatchConfig config, Vocabulary vocabulary, OutputFolder train, OutputFolder heldout) {
        try {
            if (!train.files().exists(file(config))) {
                write(config, vocabulary, train, heldout);
            }
        } catch (IOException e) {
            throw unwritable(config, e);
        }
    }

    private static Path file(BatchConfig config) {
        return new Path(config.output(), FILE);
    }

    private static ResourceException unwritable(BatchConfig config, IOException e) {
        return new ResourceException(
                "The report " + file(config) + " cannot be written (" + e.getMessage()
                        + "); check the disk's space and your rights.",
                e);
    }

    private Page page() {
        RowStatistics rows = train.rows();
        Page page = Page.titled("Training rows", "sparkswitch batch · version " + Build.version())
                .summary(String.format(
                        Locale.ROOT,
                        "%,d rows to train on and %,d held out, each of %d input and %d target positions, made of"
                                + " %,d and %,d examples. %s of the training positions hold tokens; the rest is padding,"
                                + " which costs time and teaches nothing.",
                        rows.rows(),
                        heldout.rows().rows(),
                        rows.inputLength(),
                        rows.targetLength(),
                        rows.examples(),
                        heldout.rows().examples(),
                        Numbers.percent(filled(rows))))
                .tile(new Tiles.Tile("Rows to train on", Numbers.count(rows.rows()), "", ""))
                .tile(new Tiles.Tile(
                        "Examples a row",
                        Numbers.decimal((double) rows.examples() / rows.rows(), 2),
                        "",
                        config.packing() == Packing.NONE ? "not packed" : "packed"))
                .tile(new Tiles.Tile(
                        "Input positions filled", Numbers.percent(filledInputs(rows)), "", padding(filledInputs(rows))))
                .tile(new Tiles.Tile(
                        "Target positions filled",
                        Numbers.percent(filledTargets(rows)),
                        "",
                        padding(filledTargets(rows))));
        return page.section(new Page.Section("Where the tokens come from", sources()))
                .section(new Page.Section("How full the rows are", fullness()))
                .section(new Page.Section("How long the examples are", lengths()))
                .section(new Page.Section("Examples in plain text", examples()))
                .section(new Page.Section("What made this", Sections.facts(facts())))
                .footer("Made by SparkSwitch " + Build.version()
                        + ". Counts are of tokens, ends and sentinels included.");
    }

    private static double filledInputs(RowStatistics rows) {
        return (double) rows.inputTokens() / (rows.rows() * rows.inputLength());
    }

    private static double filledTargets(RowStatistics rows) {
        return (double) rows.targetTokens() / (rows.rows() * rows.targetLength());
    }

    private static double filled(RowStatistics rows) {
        return filled(rows, rows.rows());
    }

    /** The share of positions that hold tokens if there are {@code count} rows. */
    private static double filled(RowStatistics rows, long count) {
        return (double) (rows.inputTokens() + rows.targetTokens())
                / (count * (rows.inputLength() + rows.targetLength()));
    }

    private static String padding(double filled) {
        return Numbers.percent(1 - filled) + " padding";
    }

    private List<Block> sources() {
        RowStatistics rows = train.rows();
        Table table = Table.captioned("Training rows. A source is gone through as many times as its rate asks.")
                .column("Source", Table.Kind.TEXT)
                .column("What is made of it", Table.Kind.TEXT)
                .column("Times", Table.Kind.NUMBER)
                .column("Examples", Table.Kind.NUMBER)
                .column("Of all", Table.Kind.NUMBER)
                .column("Input tokens", Table.Kind.NUMBER)
                .column("Target tokens", Table.Kind.NUMBER);
        List<String> names = new ArrayList<>();
        double[] inputs = new double[train.sources().size()];
        double[] targets = new double[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            BoxStatistics.SourceLine line = train.sources().get(i);
            RowStatistics.OfSource source = rows.sources().get(i);
            names.add(line.name());
            inputs[i] = source.inputTokens();
            targets[i] = source.targetTokens();
            table.row(
                    line.name(),
                    line.made(),
                    Numbers.decimal(line.passes(), line.passes() == Math.rint(line.passes()) ? 0 : 3),
                    Numbers.count(source.examples()),
                    Numbers.percent((double) source.examples() / rows.examples()),
                    Numbers.count(source.inputTokens()),
                    Numbers.count(source.targetTokens()));
        }
        if (inputs.length == 1) {
            return List.of(table);
        }
        return List.of(
                Chart.stacked(
                        "Tokens by source",
                        "In the training rows.",
                        Chart.Width.FULL,
                        new Chart.Axis("tokens", Chart.Format.COUNT),
                        names,
                        List.of(new Chart.Bars("inputs", inputs), new Chart.Bars("targets", targets))),
                table);
    }

    private List<Block> fullness() {
        RowStatistics rows = train.rows();
        List<Block> blocks = new ArrayList<>();
        if (config.packing() == Packing.SEGMENTS) {
            blocks.add(new Prose(String.format(
                    Locale.ROOT,
                    "Packing puts %,d examples into %,d rows, in which %s of the positions hold tokens; a row for each"
                            + " example would have left it at %s.",
                    rows.examples(),
                    rows.rows(),
                    Numbers.percent(filled(rows)),
                    Numbers.percent(filled(rows, rows.examples())))));
        }
        blocks.add(histogram("Input tokens of a row", "rows", rows.inputLength(), rows.inputsOfRow()));
        blocks.add(histogram("Target tokens of a row", "rows", rows.targetLength(), rows.targetsOfRow()));
        return blocks;
    }

    private List<Block> lengths() {
        if (config.packing() == Packing.NONE) {
            // Rows are examples: the section above shows them.
            return List.of();
        }
        RowStatistics rows = train.rows();
        return List.of(
                histogram("Input tokens of an example", "examples", rows.inputLength(), rows.inputsOfExample()),
                histogram("Target tokens of an example", "examples", rows.targetLength(), rows.targetsOfExample()));
    }

    private static Chart histogram(String title, String unit, int length, long[] counts) {
        // Short rows have fewer lengths than there are classes: some of those never hold anything.
        List<String> categories = new ArrayList<>();
        List<Double> values = new ArrayList<>();
        int before = 0;
        for (int i = 0; i < counts.length; i++) {
            int last = (int) (((long) (i + 1) * length + RowStatistics.CLASSES - 1) / RowStatistics.CLASSES);
            if (last > before) {
                categories.add(Integer.toString(last));
                values.add((double) counts[i]);
            }
            before = last;
        }
        return Chart.bars(
                title,
                "Each bar: up to this many tokens, of " + length + ".",
                Chart.Width.HALF,
                new Chart.Axis(unit, Chart.Format.COUNT),
                categories,
                List.of(new Chart.Bars(
                        unit, values.stream().mapToDouble(Double::doubleValue).toArray())));
    }

    private List<Block> examples() {
        Table table = Table.captioned(
                        "The first examples of each source, as a model meets them. <extra_id_n> stands for"
                                + " what was left out of an input, and before it in the target; the end piece is not shown.")
                .column("Source", Table.Kind.TEXT)
                .column("Input", Table.Kind.TEXT)
                .column("Target", Table.Kind.TEXT);
        try (Tokenizer tokenizer = vocabulary.tokenizer()) {
            for (RowStatistics.Shown shown : train.rows().shown()) {
                table.row(
                        train.sources().get(shown.source()).name(),
                        shorten(tokenizer.decode(shown.inputs())),
                        shorten(tokenizer.decode(shown.targets())));
            }
        }
        return List.of(table);
    }

    private static String shorten(String text) {
        if (text.isBlank()) {
            return "(nothing)";
        }
        if (text.codePointCount(0, text.length()) <= LONGEST) {
            return text;
        }
        return text.substring(0, text.offsetByCodePoints(0, LONGEST)) + " …";
    }

    private List<Sections.Fact> facts() {
        List<Sections.Fact> facts = new ArrayList<>();
        facts.add(new Sections.Fact("vocabulary", vocabulary.hash()));
        facts.add(new Sections.Fact(
                "text tokens, training", Numbers.count(train.text().total())));
        facts.add(new Sections.Fact(
                "text tokens, held out", Numbers.count(heldout.text().total())));
        flatten("", Configs.toTree(config), facts);
        return facts;
    }

    private static void flatten(String prefix, JsonNode node, List<Sections.Fact> facts) {
        node.fields().forEachRemaining(field -> {
            String key = prefix.isEmpty() ? field.getKey() : prefix + "." + field.getKey();
            if (field.getValue().isObject()) {
                flatten(key, field.getValue(), facts);
            } else if (!field.getValue().isNull()) {
                facts.add(new Sections.Fact(
                        key,
                        field.getValue().isValueNode()
                                ? field.getValue().asText()
                                : field.getValue().toString()));
            }
        });
    }
}
