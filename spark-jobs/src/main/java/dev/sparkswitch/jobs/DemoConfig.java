package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Setting;
import java.util.Optional;

/**
 * The settings of the demo; its stages' own lie in {@code conf/demo}.
 *
 * @param output the folder for everything that the demo makes
 * @param text a file to use instead of the text that comes with the build: a document a line, title, date and body apart by
 *     tabs, gzip
 * @param train training examples a task
 * @param test test examples a task
 * @param seed of the tasks
 */
public record DemoConfig(
        @Setting(value = "sparkswitch-demo", help = "folder for everything that the demo makes")
        String output,

        @Setting(help = "file instead of the text that comes with the build")
        Optional<String> text,

        @Setting(value = "4000", help = "training examples a task")
        int train,

        @Setting(value = "300", help = "test examples a task")
        int test,

        @Setting(value = "0", help = "seed of the tasks") long seed) {}
