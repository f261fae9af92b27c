package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Setting;
import java.util.Optional;

/**
 * The settings of {@code bench cards}.
 *
 * @param folder what {@code bin/scaling-on-cards} measured
 * @param into a document that gets the table, too
 */
public record BenchCardsConfig(
        @Setting(help = "folder of what bin/scaling-on-cards measured, which gets cards.md")
        String folder,

        @Setting(help = "Markdown file that gets the table between its lines <!-- cards --> and <!-- /cards -->")
        Optional<String> into) {}
