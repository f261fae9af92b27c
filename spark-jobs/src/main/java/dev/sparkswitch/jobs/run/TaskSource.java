package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;

/**
 * A downstream task and where its official files lie.
 *
 * @param task its name, such as squad
 * @param path its file or folder
 */
public record TaskSource(
        @Setting(help = "name of the task, such as squad") String task,
        @Setting(help = "its file or folder, as downloaded") String path) {}
