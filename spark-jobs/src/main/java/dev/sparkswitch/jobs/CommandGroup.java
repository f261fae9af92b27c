package dev.sparkswitch.jobs;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** The first word of commands that have two. */
enum CommandGroup {
    /** {@code bench step}, {@code bench ops}. */
    BENCH("bench", "Measures the speed of this host.");

    private final String word;
    private final String description;

    CommandGroup(String word, String description) {
        this.word = word;
        this.description = description;
    }

    /** The word. */
    String word() {
        return word;
    }

    /** A command that lists those of the group, which are added to it. */
    CommandLine commandLine() {
        CommandSpec spec = CommandSpec.create().name(word).mixinStandardHelpOptions(true);
        spec.versionProvider(new Main.Version());
        spec.usageMessage()
                .description(description)
                .synopsisSubcommandLabel("COMMAND")
                .commandListHeading("%nCommands:%n")
                .optionListHeading("%nOptions:%n");
        return new CommandLine(spec);
    }
}
