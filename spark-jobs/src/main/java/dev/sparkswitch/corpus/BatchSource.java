package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import java.util.Optional;
import org.apache.hadoop.fs.Path;

/** A corpus or a task that {@link Batch} makes examples of. */
public record BatchSource(
        @Setting(help = "by which rates and counts name it; by default the folder's or the task's name")
        Optional<String> name,

        @Setting(help = "folder of a corpus, as prepare made it")
        Optional<String> corpus,

        @Setting(help = "instead of a corpus: the name of a task, such as rte")
        Optional<String> task,

        @Setting(help = "the task's file or folder, as downloaded")
        Optional<String> path,

        @Setting(help = "what is made of the corpus's text; by default what objective says")
        Optional<Objective> objective) {
    public BatchSource {
        if (corpus.isPresent() == task.isPresent()) {
            throw new IllegalArgumentException("a source must name a corpus or a task, and not both");
        }
        if (task.isPresent() != path.isPresent()) {
            throw new IllegalArgumentException("a task needs a path, and only a task has one");
        }
        if (task.isPresent() && objective.isPresent()) {
            throw new IllegalArgumentException(
                    "the task " + task.get() + " takes no objective: its examples have inputs and targets");
        }
    }

    static BatchSource corpus(String folder) {
        return new BatchSource(
                Optional.empty(), Optional.of(folder), Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** What it is called. */
    String label() {
        return name.or(() -> task).orElseGet(() -> new Path(corpus.orElseThrow()).getName());
    }
}
