package dev.sparkswitch.jobs;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.jobs.bench.DataBenchmark;
import java.util.List;
import java.util.Optional;

/**
 * The settings of {@code bench data}.
 *
 * @param text what is measured with
 * @param size of made-up pages
 * @param cores one run of all stages for each
 * @param stages what is measured
 * @param vocabulary pieces
 * @param inputs tokens of a row
 * @param folder where files go
 */
public record BenchDataConfig(
        @Setting(help = "text to measure with, a document a line, JSON in *.jsonl; left out: made-up English pages")
        Optional<String> text,

        @Setting(value = "100MiB", help = "size of the made-up pages")
        DataSize size,

        @Setting(value = "[1, 2]", help = "cores, one run of all stages for each")
        List<Integer> cores,

        @Setting(value = "[c4, c4-language, c4-near-duplicates, batch, read]", help = "what is measured")
        List<DataBenchmark.Stage> stages,

        @Setting(value = "8000", help = "pieces of the vocabulary, which is trained on a part of the text")
        int vocabulary,

        @Setting(value = "512", help = "tokens of an input row")
        int inputs,

        @Setting(help = "folder for the files, some three times the text; left out: one that is removed at the end")
        Optional<String> folder) {

    public BenchDataConfig {
        if (cores.isEmpty() || cores.stream().anyMatch(count -> count < 1)) {
            throw new IllegalArgumentException("cores " + cores + " must name one number or more, each at least 1");
        }
        if (size.bytes() < 1 << 20) {
            throw new IllegalArgumentException("size " + size + " must be 1MiB or more");
        }
    }

    DataBenchmark.Plan plan() {
        return new DataBenchmark.Plan(text, size.bytes(), cores, stages, vocabulary, inputs);
    }
}
