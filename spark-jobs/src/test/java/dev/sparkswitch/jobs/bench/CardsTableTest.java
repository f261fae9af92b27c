package dev.sparkswitch.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CardsTableTest {
    @TempDir
    private Path folder;

    private void weak(int cards, double tokensPerSecond, String exchanges) throws IOException {
        Files.writeString(folder.resolve("weak-" + cards + ".json"), """
                {"engine": "a card", "parameters": 2000, "ranks": %d, "rows": %d, "inputs": 512, "targets": 114,
                 "step-seconds": 0.05, "steps": [0.05, 0.05], "tokens-per-second": %f, "share-of-peak": 0.25,
                 "peak": {"flops-per-second": 8e14}, "memory": {"parameters": 1073741824, "activations": 536870912}%s}
                """.formatted(
                        cards, 32 * cards, tokensPerSecond, exchanges));
    }

    private void run(String name, int ranks, String... losses) throws IOException {
        Path run = Files.createDirectory(folder.resolve(name));
        StringBuilder lines = new StringBuilder();
        for (String loss : losses) {
            lines.append("{\"step\": 1, \"cross-entropy\": ")
                    .append(loss)
                    .append(", \"seconds\": 0.1, \"tokens-per-second\": 800}\n");
        }
        Files.writeString(run.resolve("metrics.jsonl"), lines);
        Files.writeString(run.resolve("costs.json"), """
                {"ranks": %d, "parameters": 7000, "engine-bytes": 2147483648, "start-seconds": 3, "checkpoint-seconds": 4}
                """.formatted(ranks));
        Files.writeString(run.resolve("command.json"), "{\"seconds\": 20}");
    }

    @Test
    void eachCardKeepsItsPartOfWhatOneDoesAlone() throws IOException {
        weak(1, 1000, "");
        weak(2, 1900, ", \"exchanges\": {\"step-seconds\": 0.05, \"exposed-seconds\": 0.002}");

        assertThat(CardsTable.of(folder))
                .contains("| weak scaling | 1 | 2,000 | 50.0 | 1,000 | 100.0 % | - | 25.0 % | 1.5 | - |")
                .contains("| weak scaling | 2 | 2,000 | 50.0 | 950 | 95.0 % | 2.0 ms, 4.0 % | 25.0 % | 1.5 | - |")
                .contains("32 rows of 512 + 114 positions a card; the median of 2 steps")
                .contains("800 TFLOP/s");
    }

    @Test
    void aLossThatDoesNotFallIsCalledSo() throws IOException {
        run("large", 8, "9", "9", "9", "9", "9", "5", "5", "5", "5", "5");
        assertThat(CardsTable.of(folder))
                .contains("| pre-training | 8 | 7,000 | 100.0 | 100 | - | - | - | 2.0 | 9.000 to 5.000 |")
                .contains("it falls.");

        Files.writeString(folder.resolve("large/metrics.jsonl"), "{\"step\": 1, \"cross-entropy\": 9}\n");
        assertThat(CardsTable.of(folder)).contains("it does NOT fall.");
    }

    @Test
    void theLossAfterLoadingIsComparedWithTheOneWithout() throws IOException {
        run("saved", 8, "9", "8");
        Files.writeString(folder.resolve("saved/checkpoint.json"), "{\"files\": [{\"bytes\": 1e9}, {\"bytes\": 5e8}]}");
        run("loaded-by-fewer", 2, "8.008");
        run("loaded-by-all", 8, "8.08");

        assertThat(CardsTable.of(folder))
                .contains("Checkpoint: 1.5 GB; training waited 4.0 s")
                .contains(
                        "Loaded by 2: the loss of the next step differs by 1.0e-03 of it, within the rounding of bf16")
                .contains("Loaded by 8: the loss of the next step differs by 1.0e-02 of it, MORE than the rounding");
    }

    @Test
    void theDocumentationsTableIsReplacedAsOftenAsItIsMeasured() throws IOException {
        weak(1, 1000, "");
        Path document = folder.resolve("benchmarks.md");
        Files.writeString(document, "before\n<!-- cards -->\nold\n<!-- /cards -->\nafter\n");
        String table = CardsTable.of(folder);

        CardsTable.insert(document, table);
        CardsTable.insert(document, table);

        assertThat(document).hasContent("before\n<!-- cards -->\n" + table + "<!-- /cards -->\nafter\n");
    }

    @Test
    void withoutResultsOrAPlaceForThemItSaysWhatIsMissing() throws IOException {
        Path document = Files.writeString(folder.resolve("other.md"), "text\n");

        assertThatThrownBy(() -> CardsTable.of(folder))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no results in " + folder);
        assertThatThrownBy(() -> CardsTable.insert(document, "table"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("<!-- cards -->");
    }
}
