package dev.sparkswitch.jobs.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.jobs.run.RunCosts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What {@code bin/scaling-on-cards} measured, as Markdown: a table with a line for each run that ended well, and a few sentences
 * on what has no column. The reports are those of {@code bench step}, and the metrics and costs of runs of {@code pretrain}.
 */
public final class CardsTable {
    /** The file's name. */
    public static final String NAME = "cards.md";

    private static final String BEGIN = "<!-- cards -->";
    private static final String END = "<!-- /cards -->";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double GIB = 1L << 30;
    private static final double GIGA = 1e9;
    private static final int MOST_CARDS = 1 << 10;
    /** Steps at either end of a run whose mean losses are shown. */
    private static final int ENDS = 5;
    /** A bfloat16 has eight significant bits. */
    private static final double BFLOAT16_ROUNDING = 0x1p-8;

    private final Path folder;
    private final List<String> rows = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    private CardsTable(Path folder) {
        this.folder = folder;
    }

    /**
     * The table of a folder of results.
     *
     * @throws UserException where it holds none
     */
    public static String of(Path folder) {
        CardsTable table = new CardsTable(folder);
        try {
            table.addWeak();
            table.addLarge();
            table.addReshard();
        } catch (IOException e) {
            throw new UserException(
                    "The results in " + folder + " cannot be read (" + e.getMessage()
                            + "): run bin/scaling-on-cards again.",
                    e);
        }
        if (table.rows.isEmpty()) {
            throw new UserException("There are no results in " + folder + ": give the OUTPUT of bin/scaling-on-cards.");
        }
        return table.text();
    }

    /**
     * Puts a table between the lines {@value #BEGIN} and {@value #END} of a document, in place of what is there.
     *
     * @throws UserException where the document lacks them
     */
    public static void insert(Path document, String table) throws IOException {
        String text = Files.readString(document);
        int begin = text.indexOf(BEGIN);
        int end = text.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new UserException(document + " has no place for the table: write the lines " + BEGIN + " and " + END
                    + " where it is to stand.");
        }
        Files.writeString(document, text.substring(0, begin + BEGIN.length()) + "\n" + table + text.substring(end));
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        text.append(
                "| what | cards | parameters | ms a step | tokens/s a card | of one card's | exchanges exposed | of the"
                        + " peak | GiB a card | loss |\n");
        text.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
        rows.forEach(row -> text.append(row).append('\n'));
        notes.forEach(note -> text.append('\n').append(note).append('\n'));
        return text.toString();
    }

    private void addRow(String... cells) {
        rows.add("| " + String.join(" | ", cells) + " |");
    }

    private void addWeak() throws IOException {
        double alone = Double.NaN;
        JsonNode last = null;
        for (int cards = 1; cards <= MOST_CARDS; cards *= 2) {
            Path file = folder.resolve("weak-" + cards + ".json");
            if (!Files.exists(file)) {
                continue;
            }
            JsonNode report = JSON.readTree(Files.readAllBytes(file));
            last = report;
            double each = report.path("tokens-per-second").asDouble() / cards;
            alone = cards == 1 ? each : alone;
            addRow(
                    "weak scaling",
                    String.valueOf(cards),
                    number("%,d", report.path("parameters").asLong()),
                    number("%.1f", 1e3 * report.path("step-seconds").asDouble()),
                    number("%,.0f", each),
                    Double.isNaN(alone) ? "-" : number("%.1f %%", 100 * each / alone),
                    exposed(report.path("exchanges")),
                    number("%.1f %%", 100 * report.path("share-of-peak").asDouble()),
                    number("%.1f", memory(report.path("memory")) / GIB),
                    "-");
        }
        if (last != null) {
            notes.add(number(
                    "Weak scaling: %s; %d rows of %d + %d positions a card; the median of %d steps; the peak is that of a product"
                            + " of matrices on one card in the same run, %.0f TFLOP/s in the last.",
                    last.path("engine").asText(),
                    last.path("rows").asInt() / last.path("ranks").asInt(),
                    last.path("inputs").asInt(),
                    last.path("targets").asInt(),
                    last.path("steps").size(),
                    last.path("peak").path("flops-per-second").asDouble() / 1e12));
        }
    }

    private static String exposed(JsonNode exchanges) {
        if (exchanges.isMissingNode()) {
            return "-";
        }
        double exposed = exchanges.path("exposed-seconds").asDouble();
        return number(
                "%.1f ms, %.1f %%",
                1e3 * exposed, 100 * exposed / exchanges.path("step-seconds").asDouble());
    }

    private static double memory(JsonNode kinds) {
        double bytes = 0;
        for (JsonNode kind : kinds) {
            bytes += kind.asDouble();
        }
        return bytes;
    }

    private void addLarge() throws IOException {
        Optional<Run> found = Run.read(folder.resolve("large"));
        if (found.isEmpty()) {
            return;
        }
        Run run = found.get();
        double[] losses = run.losses();
        int ends = Math.min(ENDS, losses.length);
        double first = mean(losses, 0, ends);
        double last = mean(losses, losses.length - ends, losses.length);
        addRun(
                "pre-training",
                run,
                number("%.1f", 1e3 * run.medianSeconds()),
                number("%,.0f", run.medianTokensPerSecond() / run.costs().ranks()),
                number("%.3f to %.3f", first, last));
        notes.add(number(
                "Pre-training: %d steps, speed without padding; the losses are means of the first and the last %d steps, nats a target token: it %s."
                        + " Initial weights took %.0f s, the command %.0f s.",
                losses.length,
                ends,
                last < first ? "falls" : "does NOT fall",
                run.costs().startSeconds(),
                run.commandSeconds()));
    }

    private void addReshard() throws IOException {
        Optional<Run> written = Run.read(folder.resolve("saved"));
        if (written.isEmpty()) {
            return;
        }
        Run saved = written.get();
        double expected = saved.lastLoss();
        addRun("went on without a break", saved, number("%.6f", expected));
        JsonNode manifest = JSON.readTree(Files.readAllBytes(folder.resolve("saved/checkpoint.json")));
        double bytes = 0;
        for (JsonNode file : manifest.path("files")) {
            bytes += file.path("bytes").asDouble();
        }
        notes.add(number(
                "Checkpoint: %.1f GB; training waited %.1f s for it, its writing to the end included; the command took %.0f s.",
                bytes / GIGA, saved.costs().checkpointSeconds(), saved.commandSeconds()));
        for (String name : List.of("loaded-by-fewer", "loaded-by-all")) {
            Optional<Run> found = Run.read(folder.resolve(name));
            if (found.isPresent()) {
                Run loaded = found.get();
                double difference = Math.abs(loaded.lastLoss() - expected) / expected;
                addRun("loaded", loaded, number("%.6f", loaded.lastLoss()));
                notes.add(number(
                        "Loaded by %d: the loss of the next step differs by %.1e of it, %s the rounding of bf16 (2^-8 ="
                                + " %.1e). Loading took %.1f s, the command %.0f s.",
                        loaded.costs().ranks(),
                        difference,
                        difference <= BFLOAT16_ROUNDING ? "within" : "MORE than",
                        BFLOAT16_ROUNDING,
                        loaded.costs().startSeconds(),
                        loaded.commandSeconds()));
            }
        }
    }

    private void addRun(String what, Run run, String loss) {
        addRun(what, run, "-", "-", loss);
    }

    private void addRun(String what, Run run, String milliseconds, String tokensPerSecond, String loss) {
        addRow(
                what,
                String.valueOf(run.costs().ranks()),
                number("%,d", run.costs().parameters()),
                milliseconds,
                tokensPerSecond,
                "-",
                "-",
                "-",
                number("%.1f", run.costs().engineBytes() / GIB),
                loss);
    }

    private static double mean(double[] values, int from, int to) {
        return Arrays.stream(values, from, to).average().orElseThrow();
    }

    private static String number(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /**
     * A run of {@code pretrain} that ended well.
     *
     * @param steps its metrics, a line a step
     * @param costs what it took
     * @param commandSeconds from the start of its command to its end
     */
    private record Run(List<JsonNode> steps, RunCosts costs, double commandSeconds) {
        static Optional<Run> read(Path run) throws IOException {
            Path command = run.resolve("command.json");
            if (!Files.exists(command)) {
                return Optional.empty();
            }
            List<JsonNode> steps = new ArrayList<>();
            for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
                JsonNode step = JSON.readTree(line);
                if (!step.has("event")) {
                    steps.add(step);
                }
            }
            double seconds =
                    JSON.readTree(Files.readAllBytes(command)).path("seconds").asDouble();
            return Optional.of(new Run(steps, RunCosts.read(run), seconds));
        }

        double[] losses() {
            return values("cross-entropy", 0);
        }

        double lastLoss() {
            return losses()[steps.size() - 1];
        }

        /** Of the later half of the steps, which the JVM runs as fast as it can. */
        double medianSeconds() {
            return median("seconds");
        }

        double medianTokensPerSecond() {
            return median("tokens-per-second");
        }

        private double median(String key) {
            double[] values = values(key, steps.size() / 2);
            Arrays.sort(values);
            return values[values.length / 2];
        }

        private double[] values(String key, int from) {
            return steps.stream()
                    .skip(from)
                    .mapToDouble(step -> step.path(key).asDouble())
                    .toArray();
        }
    }
}
