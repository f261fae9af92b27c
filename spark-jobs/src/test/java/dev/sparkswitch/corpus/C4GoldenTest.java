package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.Configs;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** C4's rules against the cases of its own tests. */
class C4GoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static JsonNode golden() throws IOException {
        return JSON.readTree(Fixtures.bytes("c4/c4_clean_vectors.json"));
    }

    @Test
    void pagesAndCountersAreGolden() throws IOException {
        int cases = 0;
        for (JsonNode golden : golden().get("cases")) {
            if (golden.has("finals")) {
                checkFinals(golden);
            } else {
                checkPage(golden);
            }
            cases++;
        }
        assertThat(cases).isPositive();
    }

    private static void checkPage(JsonNode golden) {
        C4Lines rule = new C4Lines(1000, 5, 3, C4Lines.EndMark.REQUIRED, BadWords.NONE);
        Tally tally = new Tally(rule.counters());
        Optional<Rule.Document> cleaned =
                rule.apply(new Rule.Document(golden.get("text").asText(), ""), tally);
        JsonNode clean = golden.get("clean");
        assertThat(cleaned.map(Rule.Document::text))
                .as(golden.get("name").asText())
                .isEqualTo(clean.isNull() ? Optional.empty() : Optional.of(clean.asText()));
        Map<String, Long> expected = new TreeMap<>();
        golden.get("counters").fields().forEachRemaining(counter -> {
            if (!counter.getKey().equals("emitted-clean-pages")) {
                String name = counter.getKey().replace("filtered-page-", "dropped-");
                expected.put(name, counter.getValue().asLong());
            }
        });
        Map<String, Long> counted = new TreeMap<>(tally.byName());
        counted.values().removeIf(count -> count == 0);
        assertThat(counted).as(golden.get("name").asText()).isEqualTo(expected);
    }

    /** A page whose last line decides whether it stays; the case's name holds the list of bad words. */
    private static void checkFinals(JsonNode golden) {
        Matcher words =
                Pattern.compile("\"([^\"]+)\"").matcher(golden.get("name").asText());
        List<String> badWords = new ArrayList<>();
        while (words.find()) {
            badWords.add(words.group(1));
        }
        C4Lines rule = new C4Lines(1000, 5, 3, C4Lines.EndMark.REQUIRED, new BadWords(badWords));
        for (JsonNode last : golden.get("finals")) {
            String text = golden.get("prefix").asText() + last.get("line").asText();
            assertThat(rule.apply(new Rule.Document(text, ""), new Tally(rule.counters()))
                            .isPresent())
                    .as(text)
                    .isEqualTo(last.get("kept").asBoolean());
        }
    }

    @Test
    void duplicateLinesStayWhereC4KeepsThem(@TempDir Path folder) throws IOException {
        JsonNode golden = golden().get("dedup");
        List<String> pages = new ArrayList<>();
        for (JsonNode page : golden.get("input")) {
            pages.add(JSON.createObjectNode()
                    .put("url", page.get(0).asText())
                    .put("text", page.get(1).asText().strip())
                    .toString());
        }
        Path input = Files.write(folder.resolve("pages.jsonl"), pages);
        PrepareConfig config = Configs.load(
                PrepareConfig.class,
                new ByteArrayInputStream(
                        """
                        input: {paths: ['%s'], format: json, url-column: url}
                        output: '%s'
                        steps: [unique-lines, sentences]
                        """.formatted(input, folder.resolve("corpus")).getBytes(StandardCharsets.UTF_8)),
                "test",
                List.of());
        SparkSession spark = LocalSpark.session();
        String corpus = Prepare.run(spark, config).folder().toString();
        Map<String, String> kept = new TreeMap<>();
        Corpus.open(spark.sparkContext().hadoopConfiguration(), corpus)
                .documents(spark)
                .collectAsList()
                .forEach(row -> kept.put(row.getAs(Corpus.URL), row.getAs(Corpus.TEXT)));
        Map<String, String> expected = new TreeMap<>();
        golden.get("expected")
                .forEach(page -> expected.put(page.get(0).asText(), page.get(1).asText()));
        assertThat(kept).isEqualTo(expected);
    }
}
