package dev.sparkswitch.eval.report;

import dev.sparkswitch.eval.metric.Scores;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The report of a run, from whatever of it there is: the pipeline's counters, one or more phases of training, scores,
 * answers, facts. The pages of all jobs are made here, so that they read alike; what a job has not done is left out.
 */
public final class RunReport {
    /**
     * A phase of training.
     *
     * @param name such as {@code Pre-training}
     * @param log its metrics
     * @param unigramEntropy nats a token that word frequencies alone would give on the held-out text, where known
     */
    public record Phase(String name, MetricsLog log, OptionalDouble unigramEntropy) {}

    private final String title;
    private final String subtitle;
    private final List<String> summary = new ArrayList<>();
    private List<Sections.Stage> stages = List.of();
    private String unit = "documents";
    private final List<Phase> phases = new ArrayList<>();
    private List<Scores> scores = List.of();
    private List<Examples.Entry> examples = List.of();
    private List<Sections.Fact> facts = List.of();
    private final List<Tiles.Tile> tiles = new ArrayList<>();
    private final List<Page.Section> sections = new ArrayList<>();

    private RunReport(String title, String subtitle) {
        this.title = title;
        this.subtitle = subtitle;
    }

    /** An empty report; the subtitle says which run, version and time. */
    public static RunReport titled(String title, String subtitle) {
        return new RunReport(title, subtitle);
    }

    /** Replaces the summary in plain words that the report otherwise makes of its data. */
    public RunReport summary(String paragraph) {
        summary.add(paragraph);
        return this;
    }

    /** The pipeline's rules in order; {@code counted} is the unit, such as {@code documents}. */
    public RunReport pipeline(List<Sections.Stage> rules, String counted) {
        stages = List.copyOf(rules);
        unit = counted;
        return this;
    }

    /** Adds a phase of training. */
    public RunReport phase(Phase phase) {
        phases.add(phase);
        return this;
    }

    /** The scores, task by task. */
    public RunReport scores(List<Scores> tasks) {
        scores = List.copyOf(tasks);
        return this;
    }

    /** Answers to show, in this order. */
    public RunReport examples(List<Examples.Entry> entries) {
        examples = List.copyOf(entries);
        return this;
    }

    /** Versions, seeds, hashes and settings. */
    public RunReport facts(List<Sections.Fact> named) {
        facts = List.copyOf(named);
        return this;
    }

    /** Adds a section of the job's own, before those that the report makes. */
    public RunReport section(Page.Section section) {
        sections.add(section);
        return this;
    }

    /** Adds a figure after those that the report makes itself. */
    public RunReport tile(Tiles.Tile tile) {
        tiles.add(tile);
        return this;
    }

    /** The page. */
    public Page page() {
        Page page = Page.titled(title, subtitle);
        if (summary.isEmpty()) {
            Summary.paragraphs(stages, unit, phases, scores).forEach(page::summary);
        } else {
            summary.forEach(page::summary);
        }
        Summary.tiles(phases, scores).forEach(page::tile);
        tiles.forEach(page::tile);
        sections.forEach(page::section);
        page.section(new Page.Section("Scores", Sections.scores(scores)));
        page.section(new Page.Section("Answers", Sections.examples(examples)));
        for (Phase phase : phases) {
            List<Block> blocks = new ArrayList<>(Sections.validation(phase.log()));
            blocks.addAll(Sections.losses(phase.log(), phase.unigramEntropy()));
            blocks.addAll(Sections.progress(phase.log()));
            page.section(new Page.Section(phase.name(), blocks));
            page.section(new Page.Section(phase.name() + ": experts", RoutingSections.of(phase.log())));
            page.section(new Page.Section(phase.name() + ": events", Sections.events(phase.log())));
        }
        page.section(new Page.Section("Data", Sections.funnel(stages, unit)));
        page.section(new Page.Section("Versions, seeds and settings", Sections.facts(facts)));
        return page.footer("Everything on this page is contained in it; it loads nothing.");
    }
}
