package dev.sparkswitch.eval.report;

import dev.sparkswitch.base.InternalException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * A self-contained HTML page: no request leaves it, and a content security policy makes sure of that. Light or dark as the
 * reader's system is, fit for paper and for a telephone.
 */
public final class Page {
    /** A titled part of the page. */
    public record Section(String title, List<Block> blocks) {
        public Section {
            blocks = List.copyOf(blocks);
        }
    }

    private final String title;
    private final String subtitle;
    private final List<String> summary = new ArrayList<>();
    private final List<Tiles.Tile> tiles = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();
    private String footer = "";

    private Page(String title, String subtitle) {
        this.title = title;
        this.subtitle = subtitle;
    }

    /** An empty page; the subtitle says which run, version and time. */
    public static Page titled(String title, String subtitle) {
        return new Page(title, subtitle);
    }

    /** Adds a paragraph in plain words to the head of the page. */
    public Page summary(String paragraph) {
        summary.add(paragraph);
        return this;
    }

    /** Adds a figure to the row below the summary. */
    public Page tile(Tiles.Tile tile) {
        tiles.add(tile);
        return this;
    }

    /** Adds a section; one without blocks is left out. */
    public Page section(Section section) {
        if (!section.blocks().isEmpty()) {
            sections.add(section);
        }
        return this;
    }

    /** Sets the last line. */
    public Page footer(String line) {
        footer = line;
        return this;
    }

    /** Writes the page; a reader sees the old page or the whole new one. */
    public void write(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        Path part = folder.resolve(file.getFileName() + ".part");
        try {
            Files.writeString(part, html());
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** The page. */
    public String html() {
        StringBuilder html = new StringBuilder(1 << 20);
        html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
                .append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ")
                .append("style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
                .append("<meta name=\"color-scheme\" content=\"light dark\">\n<title>")
                .append(Html.escape(title))
                .append("</title>\n<style>\n")
                .append(resource("report.css"))
                .append("</style>\n</head>\n<body>\n<main>\n<header>\n<p class=\"subtitle\">")
                .append(Html.escape(subtitle))
                .append("</p>\n<h1>")
                .append(Html.escape(title))
                .append("</h1>\n");
        for (String paragraph : summary) {
            html.append("<p class=\"lead\">").append(Html.escape(paragraph)).append("</p>\n");
        }
        if (!tiles.isEmpty()) {
            new Tiles(tiles).render(html);
        }
        contents(html);
        html.append("</header>\n");
        for (int i = 0; i < sections.size(); i++) {
            Section section = sections.get(i);
            html.append("<section id=\"s").append(i + 1).append("\">\n<h2>");
            html.append(Html.escape(section.title())).append("</h2>\n<div class=\"blocks\">\n");
            section.blocks().forEach(block -> block.render(html));
            html.append("</div>\n</section>\n");
        }
        html.append("<footer>").append(Html.escape(footer)).append("</footer>\n</main>\n");
        if (sections.stream().flatMap(section -> section.blocks().stream()).anyMatch(Chart.class::isInstance)) {
            html.append(
                    "<noscript><p class=\"noscript\">The charts need JavaScript; tables and text do not.</p></noscript>\n");
            html.append("<script>").append(charts()).append("</script>\n");
            html.append("<script>\n").append(resource("report.js")).append("</script>\n");
        }
        return html.append("</body>\n</html>\n").toString();
    }

    private void contents(StringBuilder html) {
        if (sections.size() < 3) {
            return;
        }
        html.append("<nav aria-label=\"Contents\"><ul>");
        for (int i = 0; i < sections.size(); i++) {
            html.append("<li><a href=\"#s").append(i + 1).append("\">");
            html.append(Html.escape(sections.get(i).title())).append("</a></li>");
        }
        html.append("</ul></nav>\n");
    }

    private static String charts() {
        Properties paths = new Properties();
        try (InputStream stream = Page.class.getResourceAsStream("report.properties")) {
            paths.load(stream);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String path = "/" + paths.getProperty("echarts");
        // Data cannot be told from markup inside a script element.
        return resource(path).replace("</script", "<\\/script");
    }

    private static String resource(String name) {
        try (InputStream stream = Page.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new InternalException("the class path lacks " + name + ", which pages are made of");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }
}
