package dev.sparkswitch.eval.report;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.eval.report.Chart.Axis;
import dev.sparkswitch.eval.report.Chart.Bars;
import dev.sparkswitch.eval.report.Chart.Format;
import dev.sparkswitch.eval.report.Chart.Width;
import dev.sparkswitch.eval.task.ScoredExample;
import dev.sparkswitch.eval.task.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What lies behind the scores of one task: which answers are confused, where it fails, and examples. */
final class Breakdown {
    private static final int LENGTHS = 5;
    private static final int KINDS = 7;
    private static final int SHOWN = 3;
    private static final Pattern QUESTION = Pattern.compile("^question: (\\p{L}+)");

    private final Task task;
    private final List<ScoredExample> examples;
    private final long seed;

    /** @param seed of the random examples */
    Breakdown(Task task, List<ScoredExample> examples, long seed) {
        this.task = task;
        this.examples = examples;
        this.seed = seed;
    }

    /** The blocks, most telling first. */
    List<Block> blocks() {
        List<Block> blocks = new ArrayList<>();
        boolean scored = examples.stream().anyMatch(example -> !example.scores().isEmpty());
        if (!scored) {
            blocks.add(new Prose("These rows have no gold answers: the answers were written down, not scored."));
        }
        if (scored && !task.labels().isEmpty()) {
            blocks.add(confusion());
        }
        if (scored) {
            List<String> kinds = kinds();
            // Two charts stand side by side, one alone takes the room of both.
            Width width = kinds.isEmpty() ? Width.FULL : Width.HALF;
            blocks.add(byLength(width));
            if (!kinds.isEmpty()) {
                blocks.add(byKind(kinds));
            }
        }
        if (task.labels().isEmpty()) {
            blocks.add(lengths(scored));
        }
        blocks.addAll(examples(scored));
        return blocks;
    }

    private Table confusion() {
        List<String> columns = new ArrayList<>(task.labels());
        columns.add("not allowed");
        columns.add("missing");
        Map<String, long[]> rows = new LinkedHashMap<>();
        task.labels().forEach(label -> rows.put(label, new long[columns.size()]));
        for (ScoredExample example : examples) {
            long[] row = rows.get(example.example().label());
            if (row != null) {
                row[column(example)]++;
            }
        }
        Table table = Table.captioned("Gold labels in rows, predicted ones in columns.")
                .column("Gold", Table.Kind.TEXT);
        columns.forEach(column -> table.column(column, Table.Kind.NUMBER));
        table.column("Right of these", Table.Kind.NUMBER);
        rows.forEach((label, counts) -> {
            table.startRow().cell(label);
            Arrays.stream(counts).mapToObj(Numbers::count).forEach(table::cell);
            long all = Arrays.stream(counts).sum();
            double right = counts[task.labels().indexOf(label)];
            table.cell(all == 0 ? "–" : Numbers.percent(right / all));
        });
        return table;
    }

    private int column(ScoredExample example) {
        if (example.prediction().isEmpty()) {
            return task.labels().size() + 1;
        }
        int label = task.labels().indexOf(example.prediction().get());
        return label < 0 ? task.labels().size() : label;
    }

    /** Mean scores of examples by the length of their inputs, about as many in each group; one length is in one group. */
    private Chart byLength(Width width) {
        List<ScoredExample> sorted = examples.stream()
                .sorted(Comparator.comparingInt(Breakdown::length))
                .toList();
        int groups = Math.min(LENGTHS, sorted.size());
        List<List<ScoredExample>> parts = new ArrayList<>();
        List<String> names = new ArrayList<>();
        int begin = 0;
        for (int group = 1; group <= groups; group++) {
            int end = Math.max(begin, group * sorted.size() / groups);
            while (end > begin && end < sorted.size() && length(sorted.get(end)) == length(sorted.get(end - 1))) {
                end++;
            }
            if (end == begin) {
                continue;
            }
            List<ScoredExample> part = sorted.subList(begin, end);
            begin = end;
            int from = length(part.get(0));
            int to = length(part.get(part.size() - 1));
            parts.add(part);
            names.add(from == to ? Integer.toString(from) : from + "–" + to);
        }
        return chart(
                "Score by length of the input",
                "By words of the input, with about equally many examples in each group.",
                width,
                names,
                parts);
    }

    private static int length(ScoredExample example) {
        return words(example.example().input());
    }

    /** The most frequent first words of SQuAD's questions; none of other tasks. */
    private List<String> kinds() {
        Map<String, Integer> counts = new HashMap<>();
        for (ScoredExample example : examples) {
            kind(example).ifPresent(word -> counts.merge(word, 1, Integer::sum));
        }
        List<String> kinds = counts.keySet().stream()
                .sorted(Comparator.comparingInt((String word) -> -counts.get(word))
                        .thenComparing(Function.identity()))
                .limit(KINDS)
                .toList();
        return kinds.size() > 1 ? kinds : List.of();
    }

    private Chart byKind(List<String> kinds) {
        List<List<ScoredExample>> parts = new ArrayList<>();
        for (String kind : kinds) {
            parts.add(examples.stream()
                    .filter(example -> kind(example).filter(kind::equals).isPresent())
                    .toList());
        }
        return chart(
                "Score by first word of the question",
                "The most frequent ones, the most frequent first.",
                Width.HALF,
                kinds,
                parts);
    }

    private static Optional<String> kind(ScoredExample example) {
        Matcher first = QUESTION.matcher(example.example().input());
        return first.find() ? Optional.of(first.group(1).toLowerCase(Locale.ROOT)) : Optional.empty();
    }

    private static Chart chart(
            String title, String note, Width width, List<String> names, List<List<ScoredExample>> parts) {
        List<String> scores = parts.get(0).get(0).scores().keySet().stream().toList();
        List<Bars> bars = new ArrayList<>();
        for (String score : scores) {
            double[] means = parts.stream()
                    .mapToDouble(part -> part.stream()
                            .mapToDouble(example -> example.scores().get(score))
                            .average()
                            .orElse(0))
                    .toArray();
            bars.add(new Bars(Sections.label(score), means));
        }
        return Chart.bars(title, note, width, new Axis("mean over examples", Format.DECIMAL), names, bars);
    }

    private Table lengths(boolean scored) {
        double given = examples.stream()
                .mapToInt(example -> words(example.prediction().orElse("")))
                .average()
                .orElse(0);
        long empty = examples.stream()
                .filter(example -> example.prediction().orElse("").isBlank())
                .count();
        Table table = Table.captioned("").column("What", Table.Kind.TEXT).column("Value", Table.Kind.NUMBER);
        table.row("Words of an answer, mean", Numbers.decimal(given, 1));
        if (scored) {
            double wanted = examples.stream()
                    .mapToInt(example -> words(example.example().references().get(0)))
                    .average()
                    .orElse(0);
            table.row("Words of the first reference, mean", Numbers.decimal(wanted, 1));
        }
        return table.row("Empty answers", Numbers.count(empty) + " of " + Numbers.count(examples.size()));
    }

    private List<Block> examples(boolean scored) {
        List<Block> blocks = new ArrayList<>();
        if (scored) {
            List<ScoredExample> worst = shuffled(1).stream()
                    .filter(example -> !example.right())
                    .sorted(Comparator.comparingDouble(Breakdown::mean))
                    .limit(SHOWN)
                    .toList();
            if (!worst.isEmpty()) {
                blocks.add(new Prose("The worst answers; of equal ones, some drawn at random."));
                blocks.add(entries(worst));
            }
        }
        blocks.add(new Prose("Answers drawn at random."));
        blocks.add(entries(shuffled(2).stream().limit(SHOWN).toList()));
        return blocks;
    }

    private Examples entries(List<ScoredExample> shown) {
        return new Examples(shown.stream()
                .map(example -> Examples.Entry.of(Sections.label(task.name()), example))
                .toList());
    }

    private static double mean(ScoredExample example) {
        return example.scores().values().stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElse(0);
    }

    private List<ScoredExample> shuffled(int purpose) {
        Philox random = RandomStream.BOOTSTRAP.at(seed, 0, 1 + purpose);
        Map<ScoredExample, Integer> keys = new HashMap<>();
        for (int i = 0; i < examples.size(); i++) {
            keys.put(examples.get(i), random.bits(i));
        }
        return examples.stream().sorted(Comparator.comparingInt(keys::get)).toList();
    }

    private static int words(String text) {
        return text.isBlank() ? 0 : text.strip().split("\\s+").length;
    }
}
