package dev.sparkswitch.eval.report;

import java.util.ArrayList;
import java.util.List;

/** A table; numbers stand right, so that their digits align. */
public final class Table implements Block {
    /** What a column holds. */
    public enum Kind {
        TEXT,
        /** Text that may hold long words, such as hashes, which break anywhere. */
        LONG_TEXT,
        NUMBER,
        /** A score from 0 to 100 with its interval, drawn. */
        INTERVAL
    }

    private record Column(String name, Kind kind) {}

    private record Cell(String text, double value, double low, double high) {}

    private final String caption;
    private final List<Column> columns = new ArrayList<>();
    private final List<List<Cell>> rows = new ArrayList<>();
    private List<Cell> row;

    private Table(String caption) {
        this.caption = caption;
    }

    /** An empty table; the caption says in words what it shows and may be empty. */
    public static Table captioned(String caption) {
        return new Table(caption);
    }

    /** Adds a column. */
    public Table column(String name, Kind kind) {
        columns.add(new Column(name, kind));
        return this;
    }

    /** Adds a row of texts, one a column. */
    public Table row(String... cells) {
        startRow();
        for (String cell : cells) {
            cell(cell);
        }
        return this;
    }

    /** Starts a row that is filled cell by cell. */
    public Table startRow() {
        row = new ArrayList<>();
        rows.add(row);
        return this;
    }

    /** Adds a cell to the row. */
    public Table cell(String text) {
        row.add(new Cell(text, Double.NaN, Double.NaN, Double.NaN));
        return this;
    }

    /** Adds a cell of an {@link Kind#INTERVAL} column: all from 0 to 100. */
    public Table interval(double value, double low, double high) {
        String text = Numbers.decimal(low, 1) + " to " + Numbers.decimal(high, 1);
        row.add(new Cell(text, value, low, high));
        return this;
    }

    @Override
    public void render(StringBuilder html) {
        html.append("<div class=\"table\">\n");
        if (!caption.isEmpty()) {
            html.append("<p class=\"caption\">").append(Html.escape(caption)).append("</p>\n");
        }
        html.append("<table>\n");
        html.append("<thead><tr>");
        for (Column column : columns) {
            html.append("<th scope=\"col\"").append(style(column)).append('>');
            html.append(Html.escape(column.name())).append("</th>");
        }
        html.append("</tr></thead>\n<tbody>\n");
        for (List<Cell> cells : rows) {
            if (cells.size() != columns.size()) {
                throw new IllegalStateException("a row of " + cells.size() + " cells in a table of " + columns.size());
            }
            html.append("<tr>");
            for (int i = 0; i < cells.size(); i++) {
                html.append("<td").append(style(columns.get(i))).append('>');
                render(cells.get(i), html);
                html.append("</td>");
            }
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
    }

    private static void render(Cell cell, StringBuilder html) {
        if (!Double.isNaN(cell.value())) {
            html.append("<span class=\"track\" aria-hidden=\"true\"><span class=\"whisker\" style=\"left:")
                    .append(Numbers.decimal(cell.low(), 2))
                    .append("%;right:")
                    .append(Numbers.decimal(100 - cell.high(), 2))
                    .append("%\"></span><span class=\"dot\" style=\"left:")
                    .append(Numbers.decimal(cell.value(), 2))
                    .append("%\"></span></span> ");
        }
        html.append(Html.escape(cell.text()));
    }

    /** Adds the table as a Markdown one, below its caption. */
    public void markdown(StringBuilder text) {
        if (!caption.isEmpty()) {
            text.append(escaped(caption)).append("\n\n");
        }
        columns.forEach(
                column -> text.append("| ").append(escaped(column.name())).append(' '));
        text.append("|\n");
        columns.forEach(column -> text.append(
                switch (column.kind()) {
                    case TEXT, LONG_TEXT -> "|---";
                    case NUMBER, INTERVAL -> "|--:";
                }));
        text.append("|\n");
        for (List<Cell> cells : rows) {
            cells.forEach(cell -> text.append("| ").append(escaped(cell.text())).append(' '));
            text.append("|\n");
        }
    }

    /** A bar would end the cell, and spaces that do not break are hard to edit. */
    private static String escaped(String text) {
        return text.replace("|", "\\|").replace('\u00A0', ' ').replace('\u202F', ' ');
    }

    private static String style(Column column) {
        return switch (column.kind()) {
            case TEXT -> "";
            case LONG_TEXT -> " class=\"long\"";
            case NUMBER -> " class=\"number\"";
            case INTERVAL -> " class=\"interval\"";
        };
    }
}
