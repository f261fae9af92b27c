package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.bench.DataBenchmark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code sparkswitch bench data}: how fast this host prepares, tokenizes, batches and reads. */
@Command(
        name = "data",
        description = "Times the corpus pipeline on this host beside raw SentencePiece, on one core and on several.",
        footer = {
            "  sparkswitch bench data --set size=1GiB cores=[1,2]",
            "  sparkswitch bench data --set text=pages.jsonl stages=[c4,batch]",
        })
public final class BenchDataJob extends Job<BenchDataConfig> {
    BenchDataJob() {
        super(BenchDataConfig.class);
    }

    @Override
    Optional<CommandGroup> group() {
        return Optional.of(CommandGroup.BENCH);
    }

    @Override
    protected void run(BenchDataConfig config, JobContext context) throws Exception {
        Path folder = config.folder().isPresent()
                ? Files.createDirectories(Path.of(config.folder().get()))
                : Files.createTempDirectory("sparkswitch-bench");
        try {
            DataBenchmark.run(config.plan(), folder, context.sparkOn(), context.hadoop(), context.out());
        } finally {
            if (config.folder().isEmpty()) {
                DataBenchmark.delete(folder);
            }
        }
    }
}
