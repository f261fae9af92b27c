package dev.sparkswitch.eval.report;

import dev.sparkswitch.eval.report.Chart.Axis;
import dev.sparkswitch.eval.report.Chart.Curve;
import dev.sparkswitch.eval.report.Chart.Format;
import dev.sparkswitch.eval.report.Chart.Scale;
import dev.sparkswitch.eval.report.Chart.Style;
import dev.sparkswitch.eval.report.Chart.Width;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/** The sections on a run's routers; each leaves out what its input does not have. */
final class RoutingSections {
    // Columns of a heat map: more would be thinner than a pixel on a telephone.
    private static final int MOST_COLUMNS = 120;
    // More curves than this cannot be told apart.
    private static final int MOST_LAYERS = 6;
    private static final int MOST_ROWS = 64;

    private RoutingSections() {}

    /** Dropped tokens, confidence and entropy over time, the load of every expert, and every expert at the end. */
    static List<Block> of(MetricsLog log) {
        if (!log.hasExperts()) {
            return List.of();
        }
        List<Block> blocks = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>();
        log.steps().forEach(step -> step.layers().forEach(layer -> names.add(layer.name())));
        List<Curve> dropped = byLayer(log, names, StepMetrics.Layer::dropped);
        if (dropped.isEmpty()) {
            dropped = Sections.curves(
                    log, new Sections.Named("all sparse layers", Style.LINE, StepMetrics::droppedFraction));
        }
        add(
                blocks,
                "Dropped tokens",
                "Share of routed tokens that found their expert full and passed through the residual connection alone.",
                Width.FULL,
                new Axis("share of routed tokens", Format.PERCENT),
                dropped,
                log,
                Scale.FROM_ZERO);
        add(
                blocks,
                "Router confidence",
                "The largest probability that a router gives, averaged over tokens.",
                Width.HALF,
                new Axis("probability", Format.PERCENT),
                byLayer(log, names, StepMetrics.Layer::confidence),
                log,
                Scale.FROM_ZERO);
        add(
                blocks,
                "Router entropy",
                "High where a router is undecided; the most is the logarithm of the number of experts.",
                Width.HALF,
                new Axis("nats", Format.DECIMAL),
                byLayer(log, names, StepMetrics.Layer::entropy),
                log,
                Scale.FROM_ZERO);
        add(
                blocks,
                "Experts per token",
                "How many experts worked on a routed token, on average.",
                Width.FULL,
                new Axis("experts", Format.DECIMAL),
                byLayer(log, names, StepMetrics.Layer::expertsPerToken),
                log,
                Scale.FROM_ZERO);
        for (String name : names) {
            Chart chart = load(log, name, names.size() == 1 ? Width.FULL : Width.HALF);
            if (chart != null) {
                blocks.add(chart);
            }
        }
        blocks.addAll(last(log));
        return blocks;
    }

    private static void add(
            List<Block> blocks,
            String title,
            String note,
            Width width,
            Axis y,
            List<Curve> curves,
            MetricsLog log,
            Scale scale) {
        Sections.add(blocks, title, note, width, y, curves, log, List.of(), scale);
    }

    /** A curve a layer, or the most, the mean and the least where there are too many layers. */
    private static List<Curve> byLayer(MetricsLog log, Set<String> names, ToDoubleFunction<StepMetrics.Layer> value) {
        Map<String, List<double[]>> points = new LinkedHashMap<>();
        for (StepMetrics step : log.steps()) {
            double most = Double.NEGATIVE_INFINITY;
            double least = Double.POSITIVE_INFINITY;
            double sum = 0;
            int count = 0;
            for (StepMetrics.Layer layer : step.layers()) {
                double one = value.applyAsDouble(layer);
                if (!Double.isFinite(one)) {
                    continue;
                }
                count++;
                most = Math.max(most, one);
                least = Math.min(least, one);
                sum += one;
                if (names.size() <= MOST_LAYERS) {
                    put(points, layer.name(), step, one);
                }
            }
            if (names.size() > MOST_LAYERS && count > 0) {
                put(points, "layer with most", step, most);
                put(points, "mean of layers", step, sum / count);
                put(points, "layer with least", step, least);
            }
        }
        List<Curve> curves = new ArrayList<>();
        points.forEach((name, all) -> curves.add(new Curve(name, Style.LINE, all.toArray(double[][]::new))));
        return curves;
    }

    private static void put(Map<String, List<double[]>> points, String name, StepMetrics step, double value) {
        points.computeIfAbsent(name, key -> new ArrayList<>()).add(new double[] {step.step(), value});
    }

    private static Chart load(MetricsLog log, String name, Width width) {
        Map<Long, List<Double>> loads = new LinkedHashMap<>();
        for (StepMetrics step : log.steps()) {
            for (StepMetrics.Layer layer : step.layers()) {
                if (layer.name().equals(name) && !layer.load().isEmpty()) {
                    loads.put(step.step(), layer.load());
                }
            }
        }
        if (loads.isEmpty()) {
            return null;
        }
        List<Long> steps = List.copyOf(loads.keySet());
        int experts = loads.get(steps.get(0)).size();
        int columns = Math.min(MOST_COLUMNS, steps.size());
        long[] firsts = new long[columns];
        double[][] values = new double[columns][experts];
        for (int column = 0; column < columns; column++) {
            int from = (int) ((long) column * steps.size() / columns);
            int to = (int) ((long) (column + 1) * steps.size() / columns);
            firsts[column] = steps.get(from);
            for (int i = from; i < to; i++) {
                List<Double> load = loads.get(steps.get(i));
                for (int expert = 0; expert < Math.min(experts, load.size()); expert++) {
                    values[column][expert] += load.get(expert) * experts / (to - from);
                }
            }
        }
        List<String> rows = new ArrayList<>();
        for (int expert = 0; expert < experts; expert++) {
            rows.add(Integer.toString(expert));
        }
        return Chart.heat(
                "Expert load, " + name,
                "1 × is the fair share of tokens; orange has more, blue less.",
                width,
                Sections.STEP,
                new Axis("expert", Format.COUNT),
                new Axis("of the fair share", Format.TIMES),
                firsts,
                rows,
                values,
                1);
    }

    private record Row(String layer, int expert, StepMetrics.Layer of) {
        double dropped() {
            return of.experts().dropped().get(expert);
        }
    }

    /** Every expert at the last step, or those that dropped most. */
    private static List<Block> last(MetricsLog log) {
        List<Row> rows = new ArrayList<>();
        for (StepMetrics.Layer layer : log.steps().isEmpty()
                ? List.<StepMetrics.Layer>of()
                : log.steps().get(log.steps().size() - 1).layers()) {
            for (int expert = 0; expert < layer.experts().dropped().size(); expert++) {
                rows.add(new Row(layer.name(), expert, layer));
            }
        }
        if (rows.isEmpty()) {
            return List.of();
        }
        String caption =
                "Every expert at the last step. Load: share of tokens that prefer it; took: tokens it worked on, of all"
                        + " routed ones; entropy and confidence: of the tokens that prefer it.";
        if (rows.size() > MOST_ROWS) {
            rows.sort(Comparator.comparingDouble((Row row) -> -row.dropped()));
            rows = rows.subList(0, MOST_ROWS);
            caption = "The " + MOST_ROWS + " experts that dropped most at the last step; metrics.jsonl has all.";
        }
        Table table = Table.captioned(caption)
                .column("Layer", Table.Kind.TEXT)
                .column("Expert", Table.Kind.NUMBER)
                .column("Load", Table.Kind.NUMBER)
                .column("Took", Table.Kind.NUMBER)
                .column("Dropped", Table.Kind.NUMBER)
                .column("Entropy", Table.Kind.NUMBER)
                .column("Confidence", Table.Kind.NUMBER);
        for (Row row : rows) {
            StepMetrics.Experts experts = row.of().experts();
            table.row(
                    row.layer(),
                    Integer.toString(row.expert()),
                    Numbers.percent(row.of().load().get(row.expert())),
                    Numbers.percent(experts.taken().get(row.expert())),
                    Numbers.percent(row.dropped()),
                    Numbers.decimal(experts.entropy().get(row.expert()), 2),
                    Numbers.percent(experts.confidence().get(row.expert())));
        }
        return List.of(table);
    }
}
