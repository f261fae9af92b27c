package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Configs;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.UsageMessageSpec;

/** Adds the keys of a job's configuration to the help of its command. */
final class KeyHelp {
    private static final String HEADING = "configurationKeysHeading";
    private static final String LIST = "configurationKeys";

    private KeyHelp() {}

    static void add(CommandLine command, Class<? extends Record> type) {
        command.getHelpSectionMap()
                .put(
                        HEADING,
                        help -> String.format(
                                "%nConfiguration keys for the file or --set, with what they are where neither gives them"
                                        + " (the keys%nof a section may lie in a YAML file that is named in their"
                                        + " place):%n"));
        command.getHelpSectionMap().put(LIST, help -> list(type));
        List<String> sections = new ArrayList<>(command.getHelpSectionKeys());
        int footer = sections.indexOf(UsageMessageSpec.SECTION_KEY_FOOTER_HEADING);
        sections.addAll(footer, List.of(HEADING, LIST));
        command.setHelpSectionKeys(sections);
    }

    private static String list(Class<? extends Record> type) {
        StringBuilder text = new StringBuilder();
        for (Configs.Key key : Configs.describe(type)) {
            text.append("  ").append(key.key());
            key.defaultValue().ifPresent(value -> text.append(": ").append(visible(value)));
            text.append(System.lineSeparator())
                    .append("      ")
                    .append(key.help())
                    .append(" (")
                    .append(key.type())
                    .append(')')
                    .append(System.lineSeparator());
        }
        return text.toString();
    }

    private static String visible(String value) {
        return value.isBlank() ? "\"" + value.replace("\t", "\\t") + "\"" : value;
    }
}
