package dev.sparkswitch.eval.study;

import dev.sparkswitch.eval.report.Block;
import dev.sparkswitch.eval.report.Numbers;
import dev.sparkswitch.eval.report.Page;
import dev.sparkswitch.eval.report.Prose;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.report.Table;
import dev.sparkswitch.eval.report.Tiles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** The page of a study, as far as it has come. */
public final class StudyReport {
    private static final double GIGA = 1e9;
    private static final double MEGA = 1e6;

    private final Comparison comparison;

    private StudyReport(Comparison comparison) {
        this.comparison = comparison;
    }

    /**
     * The page.
     *
     * @param name of the study
     * @param subtitle which version, engine and folder
     * @param facts versions, seeds, hashes and settings
     */
    public static Page page(String name, String subtitle, Comparison comparison, List<Sections.Fact> facts) {
        StudyReport report = new StudyReport(comparison);
        Page page = Page.titled(name, subtitle).summary(report.summary());
        report.tiles().forEach(page::tile);
        StudyCharts charts = new StudyCharts(comparison);
        List<Block> loss = new ArrayList<>(charts.losses());
        loss.add(new Prose(overfitting()));
        return page.section(new Page.Section("Results", List.of(report.results(), report.speed())))
                .section(new Page.Section("Loss against steps, time and arithmetic", loss))
                .section(new Page.Section("Speed-up", charts.speedUps()))
                .section(new Page.Section("Experts", charts.experts()))
                .section(new Page.Section("Variants", List.of(report.costs())))
                .section(new Page.Section("Versions, seeds and settings", Sections.facts(facts)))
                .footer("Everything on this page is contained in it; it loads nothing.");
    }

    /** The page's tables in Markdown, to be pasted. */
    public static String markdown(Comparison comparison) {
        StudyReport report = new StudyReport(comparison);
        StringBuilder text = new StringBuilder();
        for (Table table : List.of(report.results(), report.speed(), report.costs())) {
            text.append(text.isEmpty() ? "" : "\n");
            table.markdown(text);
        }
        return text.toString();
    }

    private static String overfitting() {
        return "A variant whose training loss falls on while its held-out loss does not has begun to learn the text by heart:"
                + " then more parameters cannot help, and the remedy is more text.";
    }

    private Optional<Comparison.Row> fastest() {
        return comparison.rows().stream()
                .filter(row -> row != comparison.baseline() && Double.isFinite(row.stepSpeedUp()))
                .max(Comparator.comparingDouble(Comparison.Row::stepSpeedUp));
    }

    private String summary() {
        String base = comparison.baseline().variant().name();
        if (Double.isNaN(comparison.target())) {
            return "The baseline, " + base + ", has not been measured yet; what there is of the others stands below.";
        }
        StringBuilder text = new StringBuilder("The baseline, ")
                .append(base)
                .append(", came down to a held-out loss of ")
                .append(Numbers.decimal(comparison.target(), 3))
                .append(" nats a token in ")
                .append(Numbers.count(Math.round(comparison.baseline().stepsToTarget())))
                .append(" steps. ");
        Optional<Comparison.Row> fastest = fastest();
        if (fastest.isEmpty()) {
            return text.append("No other variant has come as far yet.").toString();
        }
        text.append(fastest.get().variant().name())
                .append(" was there after ")
                .append(Numbers.count(Math.round(fastest.get().stepsToTarget())))
                .append(" steps: ")
                .append(Numbers.decimal(fastest.get().stepSpeedUp(), 2))
                .append(" times as fast in steps and ")
                .append(Numbers.decimal(fastest.get().timeSpeedUp(), 2))
                .append(" times in time, at ")
                .append(Numbers.decimal(fastest.get().flopsRatio(), 3))
                .append(" times the operations a token.");
        return text.toString();
    }

    private List<Tiles.Tile> tiles() {
        List<Tiles.Tile> tiles = new ArrayList<>();
        fastest().ifPresent(row -> {
            String name = row.variant().name();
            String base = comparison.baseline().variant().name();
            tiles.add(new Tiles.Tile("Speed-up in steps", Numbers.decimal(row.stepSpeedUp(), 2), "×", name));
            tiles.add(new Tiles.Tile("Speed-up in time", Numbers.decimal(row.timeSpeedUp(), 2), "×", name));
            tiles.add(new Tiles.Tile(
                    "Operations a token", Numbers.decimal(row.flopsRatio(), 3), "×", name + " beside " + base));
        });
        comparison.rows().stream()
                .filter(row -> Double.isFinite(row.lossAtStep()))
                .min(Comparator.comparingDouble(Comparison.Row::lossAtStep))
                .ifPresent(row -> tiles.add(new Tiles.Tile(
                        "Lowest loss at equal steps",
                        Numbers.decimal(row.lossAtStep(), 3),
                        "nats/token",
                        row.variant().name() + ", step " + Numbers.count(comparison.step()))));
        return tiles;
    }

    /** Table 1 of the paper. */
    private Table results() {
        boolean deviations = comparison.rows().stream().anyMatch(row -> Double.isFinite(row.deviationAtStep()));
        Table table = Table.captioned(
                        "In the form of the Switch Transformer paper's table 1: negative log perplexity on"
                                + " held-out text, the higher the better"
                                + (deviations ? ", with its standard deviation over the seeds" : "")
                                + "; time is training alone, without evaluation and checkpoints.")
                .column("Model", Table.Kind.TEXT)
                .column("Capacity factor", Table.Kind.NUMBER)
                .column("Negative log perplexity at step " + Numbers.count(comparison.step()), Table.Kind.NUMBER)
                .column("Time to " + Numbers.decimal(-comparison.threshold(), 3), Table.Kind.NUMBER)
                .column("Examples/s", Table.Kind.NUMBER);
        for (Comparison.Row row : comparison.rows()) {
            table.row(
                    row.variant().name(),
                    row.variant().capacity(),
                    Numbers.decimal(-row.lossAtStep(), 3)
                            + (deviations ? " ± " + Numbers.decimal(row.deviationAtStep(), 3) : ""),
                    reached(row, row.secondsToThreshold()),
                    Numbers.decimal(row.rowsPerSecond(), row.rowsPerSecond() < 100 ? 1 : 0));
        }
        return table;
    }

    private static String reached(Comparison.Row row, double seconds) {
        if (Double.isFinite(seconds)) {
            return Numbers.duration(seconds);
        }
        boolean over = row.variant().runs().stream().allMatch(run -> run.state() == StudyVariant.State.FINISHED);
        return over ? "not reached" : "–";
    }

    private Table speed() {
        String base = comparison.baseline().variant().name();
        Table table = Table.captioned("Until a variant is as good as " + base + " got: a held-out loss of "
                        + Numbers.decimal(comparison.target(), 3)
                        + ". Steps between two measurements are interpolated.")
                .column("Model", Table.Kind.TEXT)
                .column("Steps", Table.Kind.NUMBER)
                .column("Time", Table.Kind.NUMBER)
                .column("Speed-up in steps", Table.Kind.NUMBER)
                .column("in time", Table.Kind.NUMBER)
                .column("Best held-out loss", Table.Kind.NUMBER)
                .column("Training loss then", Table.Kind.NUMBER)
                .column("at step", Table.Kind.NUMBER);
        for (Comparison.Row row : comparison.rows()) {
            Optional<Course.Point> best = row.course().best();
            table.row(
                    row.variant().name(),
                    whole(row.stepsToTarget()),
                    reached(row, row.secondsToTarget()),
                    Numbers.decimal(row.stepSpeedUp(), 2),
                    Numbers.decimal(row.timeSpeedUp(), 2),
                    Numbers.decimal(row.best(), 4),
                    Numbers.decimal(best.map(Course.Point::trainingLoss).orElse(Double.NaN), 4),
                    best.map(point -> Numbers.count(point.step())).orElse("–"));
        }
        return table;
    }

    private static String whole(double value) {
        return Double.isFinite(value) ? Numbers.count(Math.round(value)) : "–";
    }

    private Table costs() {
        Table table = Table.captioned(
                        "Operations are those of the products that a step cannot do without, forward and backward;"
                                + " experts count the tokens that are sent to them, not their empty slots.")
                .column("Model", Table.Kind.TEXT)
                .column("Experts", Table.Kind.NUMBER)
                .column("Params, M", Table.Kind.NUMBER)
                .column("GFLOP/token", Table.Kind.NUMBER)
                .column("of " + comparison.baseline().variant().name(), Table.Kind.NUMBER)
                .column("Tokens/s", Table.Kind.NUMBER)
                .column("Dropped", Table.Kind.NUMBER)
                .column("Busiest expert", Table.Kind.NUMBER)
                .column("Idlest", Table.Kind.NUMBER)
                .column("Runs", Table.Kind.TEXT);
        for (Comparison.Row row : comparison.rows()) {
            StudyVariant variant = row.variant();
            table.row(
                    variant.name(),
                    variant.experts() == 0 ? "–" : Numbers.count(variant.experts()),
                    Numbers.decimal(variant.parameters() / MEGA, 1),
                    Numbers.decimal(variant.flopsAToken() / GIGA, 4),
                    Numbers.decimal(row.flopsRatio(), 3),
                    whole(row.tokensPerSecond()),
                    Double.isNaN(row.load().dropped())
                            ? "–"
                            : Numbers.percent(row.load().dropped()),
                    times(row.load().most()),
                    times(row.load().least()),
                    runs(variant));
        }
        return table;
    }

    private static String times(double share) {
        return Double.isNaN(share) ? "–" : Numbers.decimal(share, 2) + " ×";
    }

    private static String runs(StudyVariant variant) {
        List<String> words = new ArrayList<>();
        for (StudyVariant.Run run : variant.runs()) {
            String state =
                    switch (run.state()) {
                        case WAITING -> "waiting";
                        case UNDER_WAY -> "under way";
                        case FINISHED -> "finished";
                        case FAILED -> "failed: " + run.note();
                    };
            words.add(variant.runs().size() == 1 ? state : "seed " + run.seed() + " " + state);
        }
        return String.join("; ", words);
    }
}
