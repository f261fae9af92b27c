package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.eval.report.Block;
import dev.sparkswitch.eval.report.Chart;
import dev.sparkswitch.eval.report.Histogram;
import dev.sparkswitch.eval.report.Numbers;
import dev.sparkswitch.eval.report.Page;
import dev.sparkswitch.eval.report.Prose;
import dev.sparkswitch.eval.report.Samples;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.report.Table;
import dev.sparkswitch.eval.report.Tiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.Path;

/**
 * The page with what became of the text.
 *
 * @param counts the counters of the manifest
 * @param funnel those of drops, in the order of the rules
 * @param passes what each pass did
 * @param seconds that this run took
 */
record PrepareReport(
        PrepareConfig config, Map<String, Long> counts, List<String> funnel, List<PartSummary> passes, double seconds) {
    private static final int LANGUAGES = 15;

    /** Writes the page into the output's folder. */
    void write(OutputFolder output) {
        Path file = new Path(output.folder(), Prepare.REPORT);
        try (OutputStream out = HadoopFiles.create(HadoopFiles.raw(output.files()), file)) {
            out.write(page().html().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new ResourceException(
                    "The report " + file + " cannot be written (" + e.getMessage()
                            + "); check the disk's space and your rights.",
                    e);
        }
    }

    private long count(String name) {
        return counts.getOrDefault(name, 0L);
    }

    private PartSummary first() {
        return passes.get(0);
    }

    private PartSummary last() {
        return passes.get(passes.size() - 1);
    }

    Page page() {
        long read = count("documents-read");
        long kept = count(PassTask.KEPT);
        Page page = Page.titled(
                "What became of the text",
                "prepare · " + config.output() + " · SparkSwitch " + Build.version() + " · "
                        + Instant.now().truncatedTo(ChronoUnit.SECONDS));
        page.summary(summary(read, kept));
        page.tile(new Tiles.Tile("Read", Numbers.count(read), "documents", ""));
        page.tile(new Tiles.Tile("Kept", Numbers.count(kept), "documents", share(kept, read) + " of those read"));
        page.tile(new Tiles.Tile(
                "Text kept",
                Numbers.decimal(count(PassTask.TEXT_BYTES) / 1e6, 1),
                "MB",
                Numbers.decimal(kept == 0 ? 0 : (double) count(PassTask.TEXT_BYTES) / kept / 1000, 1)
                        + " kB a document"));
        page.tile(new Tiles.Tile(
                "Time",
                Numbers.duration(seconds),
                "",
                Numbers.count(Math.round(read / Math.max(seconds, 1e-3))) + " documents/s, start and end included"));
        page.section(new Page.Section("Rules", Sections.funnel(stages(read), "documents")));
        page.section(new Page.Section("Lengths", lengths()));
        page.section(new Page.Section("Languages", languages()));
        page.section(new Page.Section("Duplicates and lines", lines()));
        page.section(new Page.Section("Dropped: samples", samples()));
        page.section(new Page.Section("What could not be read", unreadable()));
        page.section(new Page.Section("Time in rules", times()));
        page.section(new Page.Section("Settings", facts()));
        return page.footer("Everything on this page is contained in it; it loads nothing.");
    }

    private String summary(long read, long kept) {
        StringBuilder text = new StringBuilder();
        text.append("Of ").append(Numbers.count(read)).append(" documents read, ");
        text.append(Numbers.count(kept))
                .append(" are left (")
                .append(share(kept, read))
                .append("). ");
        String most = null;
        for (String name : funnel) {
            if (most == null || count(name) > count(most)) {
                most = name;
            }
        }
        if (most != null && count(most) > 0) {
            text.append("Most of the others went as “").append(label(most)).append("”: ");
            text.append(Numbers.count(count(most))).append(". ");
        }
        if (config.sample().isPresent()) {
            text.append("This was a try on a sample of the input.");
        }
        return text.toString().strip();
    }

    private List<Sections.Stage> stages(long read) {
        List<Sections.Stage> stages = new ArrayList<>();
        long left = read;
        for (String name : funnel) {
            left -= count(name);
            stages.add(new Sections.Stage(label(name), left, count(name)));
        }
        return stages;
    }

    private List<Block> lengths() {
        return Histogram.blocks(
                "Documents by length",
                "",
                Chart.Width.FULL,
                "characters",
                "documents",
                List.of(new Histogram.Series("read", first().read()), new Histogram.Series("kept", last().kept())));
    }

    private List<Block> languages() {
        Map<String, Long> found = new TreeMap<>();
        passes.forEach(pass -> pass.languages().forEach((language, count) -> found.merge(language, count, Long::sum)));
        if (found.isEmpty()) {
            return List.of();
        }
        List<Map.Entry<String, Long>> most = new ArrayList<>(found.entrySet());
        most.sort(Map.Entry.<String, Long>comparingByValue().reversed());
        List<String> names = new ArrayList<>();
        List<Double> values = new ArrayList<>();
        long rest = 0;
        for (Map.Entry<String, Long> language : most) {
            if (names.size() < LANGUAGES) {
                names.add(language(language.getKey()));
                values.add((double) language.getValue());
            } else {
                rest += language.getValue();
            }
        }
        if (rest > 0) {
            names.add("others");
            values.add((double) rest);
        }
        double[] bars = values.stream().mapToDouble(Double::doubleValue).toArray();
        return List.of(Chart.stacked(
                "Documents by language",
                "As identified from the beginning of each document that came so far.",
                Chart.Width.FULL,
                new Chart.Axis("documents", Chart.Format.COUNT),
                names,
                List.of(new Chart.Bars("documents", bars))));
    }

    /** The English name of a language in three letters, which Java knows by two. */
    private static String language(String code) {
        for (String two : Locale.getISOLanguages()) {
            Locale locale = Locale.forLanguageTag(two);
            if (locale.getISO3Language().equals(code)) {
                return locale.getDisplayLanguage(Locale.ENGLISH);
            }
        }
        String name = Locale.forLanguageTag(code).getDisplayLanguage(Locale.ENGLISH);
        return name.isEmpty() ? code : name;
    }

    private List<Block> lines() {
        Table table = Table.captioned("").column("What", Table.Kind.TEXT).column("Count", Table.Kind.NUMBER);
        boolean any = false;
        for (Map.Entry<String, Long> count : counts.entrySet()) {
            String name = count.getKey();
            boolean shown = name.startsWith("lines-")
                    || name.startsWith("masked-")
                    || name.startsWith("files-")
                    || name.contains("duplicate")
                    || name.startsWith("documents-with-")
                    || name.startsWith("documents-masked")
                    || name.startsWith("documents-changed-");
            if (shown && count.getValue() > 0) {
                table.row(what(name), Numbers.count(count.getValue()));
                any = true;
            }
        }
        return any ? List.of(table) : List.of();
    }

    private List<Block> samples() {
        List<Samples.Entry> entries = new ArrayList<>();
        PartSummary all = PartSummary.empty(Histogram.BINS);
        passes.forEach(pass -> pass.samples().forEach(all::offer));
        for (String name : funnel) {
            String reason = name.substring(Tally.DROPPED.length());
            for (PartSummary.Sample sample : all.sorted()) {
                if (sample.reason().equals(reason)) {
                    entries.add(new Samples.Entry(
                            label(name),
                            sample.position() < 0 ? sample.source() : sample.source() + ":" + sample.position(),
                            sample.text()));
                }
            }
        }
        if (entries.isEmpty()) {
            return List.of();
        }
        return List.of(
                new Prose("Up to " + PartSummary.SAMPLES_OF_A_REASON
                        + " documents of each reason, chosen by hash; the same whenever the same input is prepared."),
                new Samples(entries));
    }

    private List<Block> unreadable() {
        PartSummary all = PartSummary.empty(Histogram.BINS);
        passes.forEach(all::add);
        if (all.unreadable().isEmpty()) {
            return List.of();
        }
        Table table = Table.captioned("The first of them. With strict=true such a row is an error.")
                .column("Where, and what", Table.Kind.LONG_TEXT);
        all.unreadable().forEach(table::row);
        return List.of(table);
    }

    private List<Block> times() {
        Map<String, Long> nanos = new TreeMap<>();
        passes.forEach(pass -> pass.nanos().forEach((rule, time) -> nanos.merge(rule, time, Long::sum)));
        List<String> names = new ArrayList<>();
        List<Double> shown = new ArrayList<>();
        nanos.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .forEach(rule -> {
                    names.add(rule.getKey().replace('-', ' '));
                    shown.add(rule.getValue() / 1e9);
                });
        if (names.isEmpty()) {
            return List.of();
        }
        return List.of(Chart.stacked(
                "Seconds in each rule",
                "Summed over all tasks, of this run and of those that it went on from.",
                Chart.Width.FULL,
                new Chart.Axis("seconds in tasks", Chart.Format.DECIMAL),
                names,
                List.of(new Chart.Bars(
                        "seconds",
                        shown.stream().mapToDouble(Double::doubleValue).toArray()))));
    }

    private List<Block> facts() {
        List<Sections.Fact> facts = new ArrayList<>();
        if (config.steps().isEmpty()) {
            facts.add(new Sections.Fact("Preset", config.preset().name().toLowerCase(Locale.ROOT)));
        }
        List<String> steps = Pipeline.steps(config).stream()
                .map(step -> step.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .toList();
        facts.add(new Sections.Fact("Steps", String.join(", ", steps)));
        String input = !config.input().paths().isEmpty()
                ? String.join(", ", config.input().paths())
                : config.input().table() + config.input().sql();
        facts.add(new Sections.Fact("Input", input));
        facts.add(new Sections.Fact("Held out", Numbers.percent(config.heldout())));
        facts.add(new Sections.Fact("Java", Runtime.version().toString()));
        return Sections.facts(facts);
    }

    private static String share(long part, long whole) {
        return whole == 0 ? "–" : Numbers.percent((double) part / whole);
    }

    private static String what(String counter) {
        return counter.replaceFirst("^dropped-", "dropped: ")
                .replaceFirst("^lines-", "lines: ")
                .replaceFirst("-nul$", "-NUL")
                .replace('-', ' ');
    }

    /** What a counter of drops is called. */
    private static String label(String counter) {
        String reason = counter.substring(Tally.DROPPED.length());
        return switch (reason) {
            case "toofewsentences" -> "too few sentences";
            case "toofewsentences-after-line-dedup" -> "too few sentences after line dedup";
            case "loremipsum" -> "lorem ipsum";
            case "squigglybracket" -> "curly bracket";
            case "badword" -> "bad word";
            case "invalid-utf8" -> "no UTF-8";
            default -> reason.replace('-', ' ');
        };
    }
}
