package dev.sparkswitch.eval.report;

import dev.sparkswitch.eval.metric.PairedTest;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.task.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The report of an evaluation: scores with intervals, how it compares with other systems on the same rows, published figures
 * beside the measured ones, and what lies behind each score.
 *
 * @param system what was evaluated
 * @param seed of the examples that are drawn
 * @param tasks what came out, task by task
 * @param superGlue SuperGLUE's score where all its tasks are there
 * @param comparisons with other systems
 * @param facts versions, hashes and settings
 */
public record EvaluationReport(
        String system,
        long seed,
        List<TaskResult> tasks,
        Optional<Double> superGlue,
        List<Comparison> comparisons,
        List<Sections.Fact> facts) {
    /** Below this probability a difference is not put down to chance. */
    private static final double CHANCE = 0.05;

    public EvaluationReport {
        tasks = List.copyOf(tasks);
        comparisons = List.copyOf(comparisons);
        facts = List.copyOf(facts);
    }

    /**
     * One task's result.
     *
     * @param answers how the answers came about, such as {@code written by beam decoding}
     */
    public record TaskResult(Task task, Task.Evaluation evaluation, String answers) {
        Scores scores() {
            return evaluation.scores();
        }
    }

    /**
     * The system against another one on one task.
     *
     * @param baseline the other system
     * @param scores one a score of the task
     */
    public record Comparison(String baseline, String task, List<PairedTest.Comparison> scores) {
        public Comparison {
            scores = List.copyOf(scores);
        }
    }

    /** The page. */
    public Page page() {
        List<Scores> scored = tasks.stream()
                .map(TaskResult::scores)
                .filter(scores -> !scores.scores().isEmpty())
                .toList();
        Page page = Page.titled("Evaluation of " + system, subtitle());
        page.summary(summary(scored));
        comparisonSummaries().forEach(page::summary);
        superGlue.ifPresent(score ->
                page.tile(new Tiles.Tile("SuperGLUE", Numbers.decimal(score, 1), "of 100", "mean of its eight tasks")));
        Summary.tiles(List.of(), scored).stream()
                .limit(superGlue.isPresent() ? 7 : 8)
                .forEach(page::tile);
        page.section(new Page.Section("Scores", Sections.scores(scored)));
        page.section(new Page.Section("Compared on the same rows", compared()));
        page.section(new Page.Section("Beside published figures", Published.beside(system, scored, superGlue)));
        for (TaskResult task : tasks) {
            List<Block> blocks = new ArrayList<>();
            blocks.add(new Prose("Answers: " + task.answers() + "."
                    + (task.scores().signature().isEmpty()
                            ? ""
                            : " Signature: " + task.scores().signature() + ".")));
            blocks.addAll(new Breakdown(task.task(), task.evaluation().examples(), seed).blocks());
            page.section(new Page.Section(Sections.label(task.task().name()), blocks));
        }
        page.section(new Page.Section("Versions, hashes and settings", Sections.facts(facts)));
        return page.footer("Everything on this page is contained in it; it loads nothing.");
    }

    private String subtitle() {
        return facts.stream()
                .filter(fact -> fact.name().equals("SparkSwitch"))
                .map(fact -> "Downstream evaluation · SparkSwitch " + fact.value())
                .findFirst()
                .orElse("Downstream evaluation");
    }

    private String summary(List<Scores> scored) {
        long examples =
                tasks.stream().mapToLong(task -> task.scores().examples()).sum();
        long missing = tasks.stream().mapToLong(task -> task.scores().missing()).sum();
        long invalid = tasks.stream().mapToLong(task -> task.scores().invalid()).sum();
        StringBuilder text = new StringBuilder(system)
                .append(" answered ")
                .append(Numbers.count(examples - missing))
                .append(" of ")
                .append(Numbers.count(examples))
                .append(examples == 1 ? " example" : " examples")
                .append(tasks.size() == 1 ? "" : " of " + tasks.size() + " tasks");
        if (!scored.isEmpty()) {
            text.append(" and reached ");
            for (int i = 0; i < Math.min(3, scored.size()); i++) {
                Scores scores = scored.get(i);
                Scores.Score first = scores.scores().get(0);
                text.append(i == 0 ? "" : i == Math.min(3, scored.size()) - 1 ? " and " : ", ")
                        .append(Numbers.decimal(first.value(), 1))
                        .append(' ')
                        .append(Sections.label(first.name()))
                        .append(" on ")
                        .append(Sections.label(scores.task()))
                        .append(" (")
                        .append(Numbers.decimal(first.low(), 1))
                        .append(" to ")
                        .append(Numbers.decimal(first.high(), 1))
                        .append(')');
            }
            text.append(scored.size() > 3 ? ", among others" : "");
        }
        text.append('.');
        if (invalid > 0) {
            text.append(' ')
                    .append(Numbers.count(invalid))
                    .append(
                            invalid == 1
                                    ? " answer is not among those that its task allows and counts as wrong."
                                    : " answers are not among those that their tasks allow and count as wrong.");
        }
        return text.toString();
    }

    private List<String> comparisonSummaries() {
        List<String> baselines =
                comparisons.stream().map(Comparison::baseline).distinct().toList();
        List<String> sentences = new ArrayList<>();
        for (String baseline : baselines) {
            List<String> better = new ArrayList<>();
            List<String> worse = new ArrayList<>();
            List<String> open = new ArrayList<>();
            for (Comparison comparison : comparisons) {
                if (comparison.baseline().equals(baseline)) {
                    PairedTest.Comparison first = comparison.scores().get(0);
                    List<String> list = first.chance() >= CHANCE ? open : first.difference() > 0 ? better : worse;
                    list.add(Sections.label(comparison.task()));
                }
            }
            sentences.add("Against " + baseline + " on the same rows: "
                    + "better on " + names(better) + "; worse on " + names(worse)
                    + (open.isEmpty() ? "" : "; no difference shown on " + names(open)) + ".");
        }
        return sentences;
    }

    private static String names(List<String> tasks) {
        return tasks.isEmpty() ? "none" : String.join(", ", tasks);
    }

    private List<Block> compared() {
        List<Block> blocks = new ArrayList<>();
        for (String baseline :
                comparisons.stream().map(Comparison::baseline).distinct().toList()) {
            blocks.add(against(baseline));
        }
        if (!blocks.isEmpty()) {
            blocks.add(new Prose(
                    "The intervals come from resampling pairs of answers to the same example. \"By chance\" is"
                            + " the probability of a difference as large as this one between equally good systems (approximate"
                            + " randomisation); a difference is called better or worse where that is below 5%."));
        }
        return blocks;
    }

    private Table against(String baseline) {
        Table table = Table.captioned(system + " against " + baseline + ", on the same rows.")
                .column("Task", Table.Kind.TEXT)
                .column("Metric", Table.Kind.TEXT)
                .column(baseline, Table.Kind.NUMBER)
                .column(system, Table.Kind.NUMBER)
                .column("Difference", Table.Kind.NUMBER)
                .column("95% interval", Table.Kind.NUMBER)
                .column("By chance", Table.Kind.NUMBER)
                .column("Verdict", Table.Kind.TEXT);
        for (Comparison comparison : comparisons) {
            if (!comparison.baseline().equals(baseline)) {
                continue;
            }
            for (PairedTest.Comparison score : comparison.scores()) {
                table.row(
                        Sections.label(comparison.task()),
                        Sections.label(score.name()),
                        Numbers.decimal(score.baseline(), 1),
                        Numbers.decimal(score.system(), 1),
                        signed(score.difference()),
                        signed(score.low()) + " to " + signed(score.high()),
                        score.chance() < 0.001 ? "< 0.1%" : Numbers.percent(score.chance()),
                        verdict(score));
            }
        }
        return table;
    }

    private static String verdict(PairedTest.Comparison score) {
        if (score.chance() >= CHANCE) {
            return "not shown";
        }
        return score.difference() > 0 ? "better" : "worse";
    }

    private static String signed(double value) {
        String text = Numbers.decimal(Math.abs(value), 1);
        return text.equals("0.0") ? "0.0" : (value > 0 ? "+" : "−") + text;
    }
}
