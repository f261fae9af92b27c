package dev.sparkswitch.eval.report;

import java.util.List;

/** A row of figures that tell the story at a glance. */
public record Tiles(List<Tile> tiles) implements Block {
    private static final int MOST_COLUMNS = 4;

    public Tiles {
        tiles = List.copyOf(tiles);
    }

    /**
     * One figure.
     *
     * @param label what it is
     * @param value the figure
     * @param unit its unit, may be empty
     * @param note what puts it into proportion, may be empty
     */
    public record Tile(String label, String value, String unit, String note) {}

    @Override
    public void render(StringBuilder html) {
        // Full rows: an empty corner looks like something missing.
        int rows = (tiles.size() + MOST_COLUMNS - 1) / MOST_COLUMNS;
        int columns = Math.max(1, (tiles.size() + rows - 1) / Math.max(1, rows));
        html.append("<dl class=\"tiles\" style=\"--columns:").append(columns).append("\">\n");
        for (Tile tile : tiles) {
            html.append("<div class=\"tile\"><dt>").append(Html.escape(tile.label()));
            html.append("</dt><dd><span class=\"value\">").append(Html.escape(tile.value()));
            html.append("</span>");
            if (!tile.unit().isEmpty()) {
                html.append(" <span class=\"unit\">").append(Html.escape(tile.unit()));
                html.append("</span>");
            }
            if (!tile.note().isEmpty()) {
                html.append("<span class=\"note\">").append(Html.escape(tile.note()));
                html.append("</span>");
            }
            html.append("</dd></div>\n");
        }
        html.append("</dl>\n");
    }
}
