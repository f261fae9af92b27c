package dev.sparkswitch.jobs;

import dev.sparkswitch.jobs.bench.CardsTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code sparkswitch bench cards}: the table of what {@code bin/scaling-on-cards} measured. */
@Command(
        name = "cards",
        description = "Makes the table of what bin/scaling-on-cards measured. Needs no Spark.",
        footer = {
            "  bin/scaling-on-cards 8",
            "  sparkswitch bench cards --set folder=run/cards into=docs/benchmarks.md",
        })
public final class BenchCardsJob extends Job<BenchCardsConfig> {
    BenchCardsJob() {
        super(BenchCardsConfig.class);
    }

    @Override
    Optional<CommandGroup> group() {
        return Optional.of(CommandGroup.BENCH);
    }

    @Override
    protected void run(BenchCardsConfig config, JobContext context) throws IOException {
        Path folder = Path.of(config.folder());
        String table = CardsTable.of(folder);
        Files.writeString(folder.resolve(CardsTable.NAME), table);
        if (config.into().isPresent()) {
            CardsTable.insert(Path.of(config.into().get()), table);
        }
        context.out().print(table);
    }
}
