package dev.sparkswitch.eval.study;

import dev.sparkswitch.eval.report.Block;
import dev.sparkswitch.eval.report.Chart;
import dev.sparkswitch.eval.report.Chart.Axis;
import dev.sparkswitch.eval.report.Chart.Bars;
import dev.sparkswitch.eval.report.Chart.Curve;
import dev.sparkswitch.eval.report.Chart.Format;
import dev.sparkswitch.eval.report.Chart.Mark;
import dev.sparkswitch.eval.report.Chart.Marks;
import dev.sparkswitch.eval.report.Chart.Scale;
import dev.sparkswitch.eval.report.Chart.Style;
import dev.sparkswitch.eval.report.Chart.Width;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The charts of a study; each leaves out what is not there. */
final class StudyCharts {
    private static final double MINUTE = 60;
    private static final Axis NATS = new Axis("held-out cross-entropy, nats per target token", Format.DECIMAL);
    private static final Axis STEP = new Axis("step", Format.COUNT);

    private final Comparison comparison;

    StudyCharts(Comparison comparison) {
        this.comparison = comparison;
    }

    private record Unit(String name, double size) {}

    List<Block> losses() {
        List<Block> blocks = new ArrayList<>();
        Marks target = Double.isNaN(comparison.target())
                ? Marks.NONE
                : new Marks(
                        List.of(new Mark(
                                "best of " + comparison.baseline().variant().name(), comparison.target())),
                        List.of());
        add(
                blocks,
                "Held-out loss against steps",
                "Lower is better. Variants with several seeds are shown as their mean.",
                Width.FULL,
                STEP,
                NATS,
                held(Course.Point::step),
                target);
        lead(blocks);
        add(
                blocks,
                "Held-out loss against time",
                "Training alone, without evaluation and checkpoints.",
                Width.HALF,
                new Axis("minutes", Format.DECIMAL),
                NATS,
                held(point -> point.seconds() / MINUTE),
                target);
        Unit unit = unit();
        add(
                blocks,
                "Held-out loss against arithmetic",
                "Forward and backward passes.",
                Width.HALF,
                new Axis(unit.name(), Format.DECIMAL),
                NATS,
                held(point -> point.flops() / unit.size()),
                target);
        add(
                blocks,
                "Training loss",
                "Of training rows: the mean since the measurement before.",
                Width.FULL,
                STEP,
                new Axis("cross-entropy, nats per target token", Format.DECIMAL),
                curves(Course.Point::step, Course.Point::trainingLoss),
                Marks.NONE);
        return blocks;
    }

    /** Losses that fall by nats hide differences of hundredths, so these have a chart of their own. */
    private void lead(List<Block> blocks) {
        String baseline = comparison.baseline().variant().name();
        Map<Long, Double> reference = new HashMap<>();
        for (Course.Point point : comparison.baseline().course().points()) {
            reference.put(point.step(), point.loss());
        }
        List<Curve> curves = new ArrayList<>();
        for (Comparison.Row row : comparison.rows()) {
            // The baseline keeps its place, so that every variant has one colour on the page.
            double[][] points = row == comparison.baseline()
                    ? new double[0][]
                    : row.course().points().stream()
                            .filter(point -> reference.containsKey(point.step()))
                            .map(point -> new double[] {point.step(), reference.get(point.step()) - point.loss()})
                            .toArray(double[][]::new);
            curves.add(new Curve(row.variant().name(), Style.LINE, points));
        }
        if (curves.stream().anyMatch(StudyCharts::isSeen)) {
            blocks.add(Chart.lines(
                    "Lead over " + baseline + " at equal steps",
                    "By how much a variant's held-out loss is below that of " + baseline + "; higher is better.",
                    Width.FULL,
                    STEP,
                    new Axis("nats per target token", Format.DECIMAL),
                    Scale.FITTED,
                    curves,
                    Marks.NONE));
        }
    }

    private Unit unit() {
        double most = comparison.rows().stream()
                .flatMap(row -> row.course().points().stream())
                .mapToDouble(Course.Point::flops)
                .max()
                .orElse(1);
        return most >= 1e18
                ? new Unit("exaFLOP", 1e18)
                : most >= 1e15 ? new Unit("petaFLOP", 1e15) : new Unit("teraFLOP", 1e12);
    }

    private List<Curve> held(ToDoubleFunction<Course.Point> x) {
        return curves(x, Course.Point::loss);
    }

    private List<Curve> curves(ToDoubleFunction<Course.Point> x, ToDoubleFunction<Course.Point> y) {
        List<Curve> curves = new ArrayList<>();
        for (Comparison.Row row : comparison.rows()) {
            double[][] points = row.course().points().stream()
                    .map(point -> new double[] {x.applyAsDouble(point), y.applyAsDouble(point)})
                    .toArray(double[][]::new);
            curves.add(new Curve(row.variant().name(), Style.POINTS, points));
        }
        return curves;
    }

    private static void add(
            List<Block> blocks,
            String title,
            String note,
            Width width,
            Axis x,
            Axis y,
            List<Curve> curves,
            Marks marks) {
        if (curves.stream().anyMatch(StudyCharts::isSeen)) {
            blocks.add(Chart.lines(title, note, width, x, y, Scale.SWITCHABLE, curves, marks));
        }
    }

    /** A variant without points keeps its colour for the charts in which it has some. */
    private static boolean isSeen(Curve curve) {
        return curve.points().length > 0;
    }

    List<Block> speedUps() {
        List<Block> blocks = new ArrayList<>();
        List<String> names = new ArrayList<>();
        List<String> timed = new ArrayList<>();
        List<double[]> speedUps = new ArrayList<>();
        List<Double> throughput = new ArrayList<>();
        for (Comparison.Row row : comparison.rows()) {
            if (Double.isFinite(row.stepSpeedUp())) {
                names.add(row.variant().name());
                speedUps.add(new double[] {row.stepSpeedUp(), row.timeSpeedUp()});
            }
            if (Double.isFinite(row.rowsPerSecond())) {
                timed.add(row.variant().name());
                throughput.add(row.rowsPerSecond());
            }
        }
        if (!names.isEmpty()) {
            blocks.add(Chart.bars(
                    "Speed-up to the baseline's best loss",
                    "The baseline's steps, or time, over the variant's. Variants that did not get there are missing.",
                    Width.HALF,
                    new Axis("of the baseline's speed", Format.TIMES),
                    names,
                    List.of(
                            new Bars(
                                    "in steps",
                                    speedUps.stream().mapToDouble(one -> one[0]).toArray()),
                            new Bars(
                                    "in time",
                                    speedUps.stream().mapToDouble(one -> one[1]).toArray()))));
        }
        if (!timed.isEmpty()) {
            blocks.add(Chart.bars(
                    "Throughput",
                    "Median over the logged steps.",
                    Width.HALF,
                    new Axis("rows per second", Format.COUNT),
                    timed,
                    List.of(new Bars(
                            "rows per second",
                            throughput.stream().mapToDouble(Double::doubleValue).toArray()))));
        }
        return blocks;
    }

    List<Block> experts() {
        List<Block> blocks = new ArrayList<>();
        course(
                blocks,
                "Busiest expert",
                "Its share of the tokens before capacity, of a fair share; mean over the sparse layers.",
                new Axis("of the fair share", Format.TIMES),
                ExpertLoad.Moment::busiest);
        course(
                blocks,
                "Dropped tokens",
                "Share of routed tokens that found their expert full.",
                new Axis("share of routed tokens", Format.PERCENT),
                ExpertLoad.Moment::dropped);
        for (Comparison.Row row : comparison.rows()) {
            if (!row.load().isEmpty()) {
                blocks.add(load(row));
            }
        }
        return blocks;
    }

    private void course(
            List<Block> blocks, String title, String note, Axis y, ToDoubleFunction<ExpertLoad.Moment> value) {
        List<Curve> curves = new ArrayList<>();
        for (Comparison.Row row : comparison.rows()) {
            curves.add(new Curve(
                    row.variant().name(),
                    Style.LINE,
                    row.load().course().stream()
                            .map(moment -> new double[] {moment.step(), value.applyAsDouble(moment)})
                            .toArray(double[][]::new)));
        }
        if (curves.stream().anyMatch(StudyCharts::isSeen)) {
            blocks.add(Chart.lines(title, note, Width.HALF, STEP, y, Scale.FROM_ZERO, curves, Marks.NONE));
        }
    }

    private static Chart load(Comparison.Row row) {
        int experts = row.load().shares().get(0).length;
        long[] columns = new long[experts];
        double[][] values = new double[experts][row.load().layers().size()];
        for (int expert = 0; expert < experts; expert++) {
            columns[expert] = expert + 1;
            for (int layer = 0; layer < values[expert].length; layer++) {
                values[expert][layer] = row.load().shares().get(layer)[expert];
            }
        }
        return Chart.heat(
                "Expert load, " + row.variant().name(),
                "Over the last quarter; the experts of each layer by their load. 1 × is the fair share.",
                Width.HALF,
                new Axis("expert, the busiest first", Format.COUNT),
                new Axis("layer", Format.COUNT),
                new Axis("of the fair share", Format.TIMES),
                columns,
                row.load().layers(),
                values,
                1);
    }
}
