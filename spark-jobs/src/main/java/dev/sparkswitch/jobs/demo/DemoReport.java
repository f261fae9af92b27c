package dev.sparkswitch.jobs.demo;

import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.corpus.Batch;
import dev.sparkswitch.corpus.BatchResult;
import dev.sparkswitch.corpus.JobResult;
import dev.sparkswitch.corpus.Prepare;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.report.MetricsLog;
import dev.sparkswitch.eval.report.RunReport;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.jobs.run.Evaluate;
import dev.sparkswitch.jobs.run.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What the demo shows at its end: a page with everything that happened, and a few lines for the terminal.
 *
 * @param corpus the cleaned text
 * @param shards the training rows
 * @param pretrained the first run
 * @param finetuned the second run
 * @param evaluation its scores
 * @param times how long each stage took
 */
public record DemoReport(
        JobResult corpus,
        BatchResult shards,
        TrainingRun.Finished pretrained,
        TrainingRun.Finished finetuned,
        Evaluate.Finished evaluation,
        List<StageTime> times) {
    private static final String READ = "documents-read";
    private static final String DROPPED = "dropped-";
    private static final int ANSWERS = 20;

    /**
     * How long a stage took.
     *
     * @param name the stage
     * @param seconds what it took now
     * @param wasComplete whether an earlier demo had finished it
     */
    public record StageTime(String name, double seconds, boolean wasComplete) {}

    /** Writes {@code report.html} and returns its path. */
    public Path write(Path folder) throws IOException {
        Path page = folder.resolve("report.html");
        RunReport.titled("SparkSwitch demo", "From raw text to a scored Switch Transformer, version " + Build.version())
                .pipeline(stages(), "documents")
                .phase(new RunReport.Phase(
                        "Pre-training",
                        MetricsLog.read(folder.resolve("pretrained").resolve("metrics.jsonl")),
                        OptionalDouble.of(heldOut(Batch.UNIGRAM_NATS))))
                .phase(new RunReport.Phase(
                        "Fine-tuning",
                        MetricsLog.read(folder.resolve("finetuned").resolve("metrics.jsonl")),
                        OptionalDouble.empty()))
                .scores(evaluation.results().stream()
                        .map(Task.Evaluation::scores)
                        .toList())
                .examples(Evaluate.shown(evaluation.tasks(), evaluation.results(), ANSWERS))
                .facts(facts())
                .page()
                .write(page);
        return page;
    }

    /** The lines for the terminal: what was learned, beside what it is measured against. */
    public List<String> summary() {
        List<String> lines = new ArrayList<>();
        double text = Double.parseDouble(pretrained.manifest().property(TrainingRun.HELD_OUT_TEXT_LOSS));
        lines.add(String.format(
                Locale.ROOT,
                "Held-out text, sentinels and EOS left out: %.3f nats a token. Its unigram entropy: %.3f by the training text's"
                        + " frequencies, %.3f by its own",
                text,
                heldOut(Batch.UNIGRAM_NATS),
                heldOut(Batch.UNIGRAM_ENTROPY)));
        for (Task.Evaluation result : evaluation.results()) {
            Scores scores = result.scores();
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-6s", scores.task()));
            for (Scores.Score score : scores.scores()) {
                line.append(String.format(
                        Locale.ROOT,
                        "  %s %.1f (%.1f to %.1f)",
                        score.name(),
                        score.value(),
                        score.low(),
                        score.high()));
            }
            lines.add(line.append("  on ")
                    .append(scores.examples())
                    .append(" examples")
                    .toString());
        }
        return lines;
    }

    private double heldOut(String property) {
        return Double.parseDouble(shards.heldout().manifest().property(property));
    }

    private List<Sections.Stage> stages() {
        Map<String, Long> counts = corpus.manifest().counts();
        long left = counts.getOrDefault(READ, 0L);
        List<Sections.Stage> stages = new ArrayList<>();
        for (String counter : corpus.manifest().property(Prepare.FUNNEL).split(" ")) {
            long dropped = counts.getOrDefault(counter, 0L);
            left -= dropped;
            stages.add(new Sections.Stage(
                    "not " + counter.substring(DROPPED.length()).replace('-', ' '), left, dropped));
        }
        return stages;
    }

    private List<Sections.Fact> facts() {
        List<Sections.Fact> facts = new ArrayList<>();
        facts.add(new Sections.Fact("SparkSwitch", Build.version()));
        facts.add(new Sections.Fact("Java", Runtime.version().toString()));
        facts.add(new Sections.Fact("Engine", pretrained.manifest().property("engine")));
        for (Manifest manifest : List.of(
                corpus.manifest(),
                shards.train().manifest(),
                pretrained.manifest(),
                finetuned.manifest(),
                evaluation.manifest())) {
            facts.add(new Sections.Fact(
                    "Made as '" + manifest.kind() + "', seed " + manifest.seed(),
                    manifest.id() + ", " + manifest.created()));
        }
        facts.add(new Sections.Fact("Vocabulary", shards.train().manifest().property(ShardLayout.VOCABULARY)));
        facts.add(new Sections.Fact(
                "Held-out text alone",
                String.format(
                        Locale.ROOT,
                        "%.4f nats a token, sentinels and EOS left out; its unigram entropy is %.4f by the training text's"
                                + " frequencies, %.4f by its own",
                        Double.parseDouble(pretrained.manifest().property(TrainingRun.HELD_OUT_TEXT_LOSS)),
                        heldOut(Batch.UNIGRAM_NATS),
                        heldOut(Batch.UNIGRAM_ENTROPY))));
        for (StageTime time : times) {
            facts.add(new Sections.Fact(
                    "Stage " + time.name(),
                    time.wasComplete() ? "finished before" : String.format(Locale.ROOT, "%.0f s", time.seconds())));
        }
        return facts;
    }
}
