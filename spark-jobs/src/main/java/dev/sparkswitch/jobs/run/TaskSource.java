package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.eval.task.FreeText;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Tasks;
import java.util.Optional;

/**
 * A downstream task and where its files lie.
 *
 * @param task its name, such as squad; text for rows of one's own
 * @param path its file or folder
 * @param validation its file for validation, where that is not in the folder
 * @param text the form of rows of one's own
 */
public record TaskSource(
        @Setting(help = "name of the task, such as squad; text for rows of your own")
        String task,

        @Setting(help = "its file or folder, as downloaded") String path,

        @Setting(help = "its validation file, where that is not the official one in the folder")
        Optional<String> validation,

        @Setting(help = "of task text: the form of its rows")
        Optional<FreeText> text) {
    private static final String TEXT = "text";

    public TaskSource {
        if (task.equals(TEXT) != text.isPresent()) {
            throw new IllegalArgumentException(
                    "task text, and no other, has a form: give text.input and text.target, or the name of a task");
        }
    }

    /** The task itself. */
    Task resolved() {
        return text.map(FreeText::task).orElseGet(() -> Tasks.named(task));
    }

    /** What mixtures, scores and reports call it. */
    String name() {
        return text.map(FreeText::name).orElse(task);
    }

    /** Where its validation examples lie. */
    String validationPath() {
        return validation.orElse(path);
    }
}
