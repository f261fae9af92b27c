package dev.sparkswitch.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.eval.report.Chart.Axis;
import dev.sparkswitch.eval.report.Chart.Curve;
import dev.sparkswitch.eval.report.Chart.Format;
import dev.sparkswitch.eval.report.Chart.Marks;
import dev.sparkswitch.eval.report.Chart.Scale;
import dev.sparkswitch.eval.report.Chart.Style;
import dev.sparkswitch.eval.report.Chart.Width;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageTest {
    private static final String HOSTILE =
            "</script><script>alert('x')</script><!--<img src=x onerror=alert(1)>&\"\u2028";
    private static final Pattern DATA =
            Pattern.compile("<script type=\"application/json\">(.*?)</script>", Pattern.DOTALL);

    private static Chart chart(String name, double[]... points) {
        return Chart.lines(
                name,
                name,
                Width.FULL,
                new Axis(name, Format.COUNT),
                new Axis(name, Format.DECIMAL),
                Scale.FITTED,
                List.of(new Curve(name, Style.LINE, points)),
                new Marks(List.of(new Chart.Mark(name, 1)), List.of()));
    }

    @Test
    void hostileTextIsHarmlessEverywhere() throws IOException {
        String html = Page.titled(HOSTILE, HOSTILE)
                .summary(HOSTILE)
                .tile(new Tiles.Tile(HOSTILE, HOSTILE, HOSTILE, HOSTILE))
                .section(new Page.Section(
                        HOSTILE,
                        List.of(
                                chart(HOSTILE, new double[] {1, 2}),
                                new Prose(HOSTILE),
                                new Samples(List.of(new Samples.Entry(HOSTILE, HOSTILE, HOSTILE))),
                                Table.captioned(HOSTILE)
                                        .column(HOSTILE, Table.Kind.TEXT)
                                        .row(HOSTILE),
                                new Examples(List.of(new Examples.Entry(
                                        HOSTILE,
                                        HOSTILE,
                                        List.of(HOSTILE),
                                        HOSTILE,
                                        Examples.Verdict.WRONG,
                                        HOSTILE))))))
                .footer(HOSTILE)
                .html();
        // One script of data, the chart library, the page's own.
        assertThat(html.split("<script", -1)).hasSize(4);
        assertThat(html.split("</script>", -1)).hasSize(4);
        assertThat(withoutLibrary(html)).doesNotContain("<img").doesNotContain("<!--<");
        JsonNode data = data(html);
        assertThat(data.at("/series/0/name").textValue()).isEqualTo(HOSTILE);
    }

    @Property(tries = 200)
    void anyTextSurvivesTheWayIntoAChart(@ForAll String text) throws IOException {
        JsonNode node = new ObjectMapper().createObjectNode().put("text", text);
        String json = Html.json(node);
        assertThat(json).doesNotContain("<").doesNotContain(">").doesNotContain("&");
        assertThat(new ObjectMapper().readTree(json)).isEqualTo(node);
    }

    @Test
    void pageLoadsNothingFromOutside() {
        String html = Page.titled("a", "b")
                .section(new Page.Section("c", List.of(chart("d", new double[] {1, 2}))))
                .html();
        assertThat(withoutLibrary(html))
                .contains("default-src 'none'")
                .doesNotContain(" src=")
                .doesNotContain("<link")
                .doesNotContain("http:")
                .doesNotContain("https:");
    }

    @Test
    void pageWithoutChartsCarriesNoLibrary() {
        String html = Page.titled("a", "b")
                .section(new Page.Section("c", List.of(new Prose("d"))))
                .html();
        assertThat(html.length()).isLessThan(30_000);
    }

    @Test
    void numbersThatAreNotFiniteLeaveGaps() throws IOException {
        double[][] points = {{1, 2}, {2, Double.NaN}, {3, Double.POSITIVE_INFINITY}, {4, 5}};
        StringBuilder html = new StringBuilder();
        chart("x", points).render(html);
        assertThat(data(html.toString()).at("/series/0/points").toString()).isEqualTo("[[1.0,2.0],[4.0,5.0]]");
    }

    @Test
    void longCurvesAreAveragedAndSaySo() throws IOException {
        double[][] points = new double[6000][];
        for (int i = 0; i < points.length; i++) {
            points[i] = new double[] {i, i % 10};
        }
        Chart chart = chart("x", points);
        assertThat(chart.note()).contains("mean of 10 values");
        assertThat(chart.data().at("/series/0/points")).hasSize(600);
        assertThat(chart.data().at("/series/0/points/7/1").doubleValue()).isEqualTo(4.5);

        Chart shorter = chart("x", Arrays.copyOf(points, 701));
        assertThat(shorter.note()).contains("mean of 2 values");
        assertThat(shorter.data().at("/series/0/points")).hasSize(351);
        assertThat(shorter.data().at("/series/0/points/350/0").doubleValue()).isEqualTo(700);
    }

    @Test
    void emptySectionsAreLeftOut() {
        assertThat(Page.titled("a", "b")
                        .section(new Page.Section("Nothing", List.of()))
                        .html())
                .doesNotContain("Nothing");
    }

    @Test
    void writingReplacesTheOldPageAndLeavesNoOtherFile(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("new folder/report.html");
        Page.titled("old", "").write(file);
        Page.titled("new", "").write(file);
        assertThat(file).content().contains("<h1>new</h1>");
        try (var files = Files.list(file.getParent())) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void demoReportShowsEverythingThatItWasGiven() throws IOException {
        String html = SampleReports.demo().page().html();
        assertThat(html)
                .contains("<h2>Scores</h2>", "<h2>Answers</h2>", "<h2>Pre-training</h2>", "<h2>Fine-tuning</h2>")
                .contains("<h2>Data</h2>", "<h2>Versions, seeds and settings</h2>")
                .contains("Expert load, encoder 1", "Expert load, decoder 1", "Dropped tokens", "Throughput")
                .contains("Router confidence", "Router entropy", "Experts per token", "Every expert at the last step")
                .contains("18 of these 20 are right")
                .contains("Of 17,597 documents read, 948 passed all rules.")
                .contains("exact match on SQuAD");
        assertThat(html.split("<li class=\"(right|wrong)\"", -1)).hasSize(21);
    }

    @Test
    void aDenseModelsPageSaysNothingOfRouters() throws IOException {
        String dense =
                "{\"step\":1,\"cross-entropy\":2,\"balance-loss\":0,\"z-loss\":0,\"elapsed\":75,\"dropped-fraction\":0,"
                        + "\"heldout-loss\":3,\"heldout-text-loss\":3,\"layers\":[]}";
        MetricsLog log = MetricsLog.read(new BufferedReader(new StringReader(dense)), "metrics.jsonl");
        String html = RunReport.titled("Dense", "")
                .phase(new RunReport.Phase("Training", log, OptionalDouble.empty()))
                .page()
                .html();
        assertThat(withoutLibrary(html))
                .contains("in 1\u00A0min\u00A015\u00A0s", "Held-out loss")
                .doesNotContain("experts", "Dropped tokens", "Auxiliary losses", "text alone");
    }

    /** The chart library's own code may speak of images; it is not the page's. */
    private static String withoutLibrary(String html) {
        int start = html.indexOf("<script>");
        int end = html.indexOf("</script>", start);
        assertThat(end - start).isGreaterThan(500_000);
        return html.substring(0, start) + html.substring(end);
    }

    private static JsonNode data(String html) throws IOException {
        Matcher matcher = DATA.matcher(html);
        assertThat(matcher.find()).isTrue();
        return new ObjectMapper().readTree(matcher.group(1));
    }
}
