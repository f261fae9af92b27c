package dev.sparkswitch.eval.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * A chart. Its data travels as JSON; {@code report.js} turns it into an ECharts figure in the page's colours.
 *
 * @param title what it shows
 * @param note one or two sentences on how to read it, may be empty
 * @param width the room it takes
 * @param height in CSS pixels
 * @param data what {@code report.js} draws
 */
public record Chart(String title, String note, Width width, int height, ObjectNode data) implements Block {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    // A curve of more points than pixels draws slower and shows no more.
    private static final int MOST_POINTS = 600;

    /** The room that a chart takes on a wide screen. */
    public enum Width {
        FULL,
        HALF
    }

    /** How numbers are written on axes and in tooltips. */
    public enum Format {
        COUNT,
        DECIMAL,
        PERCENT,
        SCIENTIFIC,
        TIMES
    }

    /** The vertical axis of curves. */
    public enum Scale {
        /** As much as the values span. */
        FITTED,
        /** The same, and the reader may switch both axes to logarithms. */
        SWITCHABLE,
        /** From 0, where the size of changes matters beside the size of the whole. */
        FROM_ZERO
    }

    /** How a curve is drawn. */
    public enum Style {
        LINE,
        /** A line with a mark at each point, for the sparse. */
        POINTS,
        /** Thin and pale, behind the others. */
        FAINT
    }

    /** An axis: its name with the unit, and how its numbers are written. */
    public record Axis(String name, Format format) {}

    /**
     * One curve.
     *
     * @param points [points][2], x ascending; points that are not finite are left out. A curve without any takes a colour but
     *     is not shown, so that charts that stand together can have the same colours
     */
    public record Curve(String name, Style style, double[][] points) {}

    /** A straight line across the chart: at a height (reference values) or at an x (events). */
    public record Mark(String name, double at) {}

    /** Values of one kind, one a category. */
    public record Bars(String name, double[] values) {}

    public Chart {
        if (height < 80) {
            throw new IllegalArgumentException("a chart of " + height + " pixels cannot be read");
        }
    }

    /** Curves over a common x; more points than can be seen are averaged in buckets. */
    public static Chart lines(
            String title, String note, Width width, Axis x, Axis y, Scale scale, List<Curve> curves, Marks marks) {
        ObjectNode data = JSON.objectNode().put("kind", "lines").put("scale", key(scale));
        data.set("x", axis(x));
        data.set("y", axis(y));
        ArrayNode series = data.putArray("series");
        for (Curve curve : curves) {
            ObjectNode entry = series.addObject().put("name", curve.name()).put("style", key(curve.style()));
            ArrayNode points = entry.putArray("points");
            for (double[] point : thinned(curve.points())) {
                if (Double.isFinite(point[0]) && Double.isFinite(point[1])) {
                    points.addArray().add(point[0]).add(rounded(point[1]));
                }
            }
        }
        int longest = 0;
        for (Curve curve : curves) {
            longest = Math.max(longest, curve.points().length);
        }
        int together = pointsTogether(longest);
        String means = together > 1 ? " Each point is the mean of " + Numbers.count(together) + " values." : "";
        data.set("levels", marks(marks.levels()));
        data.set("events", marks(marks.events()));
        return new Chart(title, (note + means).strip(), width, width == Width.FULL ? 340 : 280, data);
    }

    /**
     * What is drawn across curves.
     *
     * @param levels horizontal lines
     * @param events vertical lines
     */
    public record Marks(List<Mark> levels, List<Mark> events) {
        public static final Marks NONE = new Marks(List.of(), List.of());

        public Marks {
            levels = List.copyOf(levels);
            events = List.copyOf(events);
        }
    }

    /** Upright bars, those of a category beside each other. */
    public static Chart bars(
            String title, String note, Width width, Axis y, List<String> categories, List<Bars> series) {
        ObjectNode data = categories(y, categories, series).put("kind", "bars");
        return new Chart(title, note, width, 280, data);
    }

    /** Lying bars, those of a category stacked: a funnel of what is kept and dropped, stage by stage. */
    public static Chart stacked(
            String title, String note, Width width, Axis x, List<String> categories, List<Bars> series) {
        ObjectNode data = categories(x, categories, series).put("kind", "stacked");
        return new Chart(title, note, width, 90 + 34 * categories.size(), data);
    }

    /**
     * A heat map with a neutral middle.
     *
     * @param columns the numbers along x
     * @param rows the names along y, from below
     * @param values [columns][rows]
     * @param middle the value that has the neutral colour, halfway between 0 and the strongest
     */
    public static Chart heat(
            String title,
            String note,
            Width width,
            Axis x,
            Axis y,
            Axis value,
            long[] columns,
            List<String> rows,
            double[][] values,
            double middle) {
        ObjectNode data = JSON.objectNode().put("kind", "heat").put("middle", middle);
        data.set("x", axis(x));
        data.set("y", axis(y));
        data.set("value", axis(value));
        ArrayNode steps = data.putArray("columns");
        for (long column : columns) {
            steps.add(column);
        }
        ArrayNode names = data.putArray("rows");
        rows.forEach(names::add);
        ArrayNode cells = data.putArray("cells");
        for (int column = 0; column < columns.length; column++) {
            for (int row = 0; row < rows.size(); row++) {
                if (Double.isFinite(values[column][row])) {
                    cells.addArray().add(column).add(row).add(rounded(values[column][row]));
                }
            }
        }
        return new Chart(title, note, width, 110 + Math.max(8, Math.min(rows.size(), 32)) * 16, data);
    }

    private static ObjectNode categories(Axis axis, List<String> categories, List<Bars> series) {
        ObjectNode data = JSON.objectNode();
        data.set("value", axis(axis));
        ArrayNode names = data.putArray("categories");
        categories.forEach(names::add);
        ArrayNode entries = data.putArray("series");
        for (Bars bars : series) {
            ArrayNode values = entries.addObject().put("name", bars.name()).putArray("values");
            for (double value : bars.values()) {
                values.add(value);
            }
        }
        return data;
    }

    private static ObjectNode axis(Axis axis) {
        return JSON.objectNode().put("name", axis.name()).put("format", key(axis.format()));
    }

    private static ArrayNode marks(List<Mark> marks) {
        ArrayNode array = JSON.arrayNode();
        for (Mark mark : marks) {
            array.addObject().put("name", mark.name()).put("at", mark.at());
        }
        return array;
    }

    private static String key(Enum<?> value) {
        return value.name().toLowerCase(java.util.Locale.ROOT);
    }

    private static double rounded(double value) {
        return Double.parseDouble(String.format(java.util.Locale.ROOT, "%.6g", value));
    }

    /** How many neighbours of a curve of {@code length} points are drawn as one. */
    private static int pointsTogether(int length) {
        return Math.max(1, (length + MOST_POINTS - 1) / MOST_POINTS);
    }

    private static double[][] thinned(double[][] points) {
        int together = pointsTogether(points.length);
        if (together == 1) {
            return points;
        }
        double[][] means = new double[(points.length + together - 1) / together][2];
        for (int bucket = 0; bucket < means.length; bucket++) {
            int from = bucket * together;
            int to = Math.min(points.length, from + together);
            for (int i = from; i < to; i++) {
                means[bucket][0] += points[i][0] / (to - from);
                means[bucket][1] += points[i][1] / (to - from);
            }
        }
        return means;
    }

    @Override
    public void render(StringBuilder html) {
        html.append("<figure class=\"chart ").append(key(width));
        html.append("switchable".equals(data.path("scale").asText()) ? " switchable" : "");
        html.append("\"><figcaption><h3>");
        html.append(Html.escape(title)).append("</h3>");
        if (!note.isEmpty()) {
            html.append("<p>").append(Html.escape(note)).append("</p>");
        }
        html.append("</figcaption><div class=\"canvas\" role=\"img\" aria-label=\"");
        html.append(Html.escape(title + (note.isEmpty() ? "" : ". " + note)));
        html.append("\" style=\"height:").append(height).append("px\"></div>");
        html.append("<script type=\"application/json\">")
                .append(Html.json(data))
                .append("</script></figure>\n");
    }
}
