package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import java.util.Optional;

/**
 * A downstream task and where its official files lie.
 *
 * @param task its name, such as squad
 * @param path its file or folder
 * @param validation its file for validation, where that is not in the folder
 */
public record TaskSource(
        @Setting(help = "name of the task, such as squad") String task,

        @Setting(help = "its file or folder, as downloaded") String path,

        @Setting(help = "its validation file, where that is not the official one in the folder")
        Optional<String> validation) {
    /** Where its validation examples lie. */
    String validationPath() {
        return validation.orElse(path);
    }
}
