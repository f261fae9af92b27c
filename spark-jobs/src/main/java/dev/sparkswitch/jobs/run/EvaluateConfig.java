package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.eval.task.FreeText;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.eval.task.Wording;
import dev.sparkswitch.generate.GenerationConfig;
import dev.sparkswitch.model.Contradictions;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The settings of an evaluation.
 *
 * @param from the model: a run, a checkpoint or a Hugging Face folder
 * @param vocabulary the folder of the model's vocabulary
 * @param predictions a file with the predictions of any system, which are scored instead of a model's
 * @param missing what happens where that file lacks a prediction
 * @param wording the form of the references that such predictions are compared with
 * @param tasks what is scored
 * @param output the folder for predictions, scores and report
 * @param name what the report calls the system; empty: the name of the model or file
 * @param answers how answers to label tasks are found
 * @param inputs tokens of an input; longer ones are cut
 * @param generation how answers are written
 * @param rows examples that are answered together
 * @param partRows examples that are kept together when work is stopped: at most so many are answered again
 * @param seed of the bootstrap intervals and of the examples that are shown
 * @param compare finished evaluations of other systems on the same rows
 * @param engine on what
 */
public record EvaluateConfig(
        @Setting(value = "", help = "model: a run, a checkpoint or a Hugging Face folder")
        String from,

        @Setting(value = "", help = "folder of the model's vocabulary")
        String vocabulary,

        @Setting(
                help = "score this file instead of a model: SQuAD's .json, .jsonl of id and prediction, or a line each")
        Optional<String> predictions,

        @Setting(value = "refuse", help = "examples that the file has no prediction for: refuse the file, or wrong")
        Missing missing,

        @Setting(value = "official", help = "what such a file is compared with: official texts, or t5's form of them")
        Wording wording,

        @Setting(help = "what is scored") List<Source> tasks,

        @Setting(help = "folder for predictions, scores and report")
        String output,

        @Setting(value = "", help = "what the report calls the system; empty: the model's or file's name")
        String name,

        @Setting(
                value = "generate",
                help = "label tasks: generate, rank (likeliest label) or rank-by-length (likeliest token for token)")
        Answers answers,

        @Setting(value = "512", help = "tokens of an input; longer ones are cut")
        int inputs,

        @Setting(help = "how answers are written") GenerationConfig generation,

        @Setting(value = "32", help = "examples that are answered together")
        int rows,

        @Setting(value = "256", help = "examples of a part; parts that are finished are not done again")
        int partRows,

        @Setting(value = "0", help = "seed of the bootstrap intervals and of the examples shown")
        long seed,

        @Setting(value = "[]", help = "evaluations of other systems on the same rows")
        List<Other> compare,

        @Setting(help = "the engine") EngineSettings engine) {
    public EvaluateConfig {
        Contradictions.none(found -> found.check(!tasks.isEmpty(), "tasks must name at least one task")
                .atLeast(2, "inputs", inputs)
                .atLeast(1, "rows", rows)
                .atLeast(1, "part-rows", partRows)
                .check(
                        predictions.isPresent() || !from.isEmpty() && !vocabulary.isEmpty(),
                        "from and vocabulary must name a model, or predictions a file"));
        Set<String> names = new HashSet<>();
        for (Source source : tasks) {
            // One that could not be made is null, and is told of already.
            if (source != null && !names.add(source.name())) {
                throw new IllegalArgumentException("two of the tasks are called " + source.name()
                        + ": evaluate them one after the other, or give a text task another name");
            }
        }
    }

    /** What the report calls the system. */
    String system() {
        if (!name.isEmpty()) {
            return name;
        }
        String path = predictions.orElse(from).replaceAll("/+$", "");
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** What happens where a file of predictions lacks one. */
    public enum Missing {
        /** The file is refused. */
        REFUSE,
        /** It counts as a wrong answer. */
        WRONG
    }

    /** How answers to label tasks are found; free text is always written. */
    public enum Answers {
        /** The model writes, and what it writes is a label or wrong. */
        GENERATE,
        /** The label of the greatest log-likelihood, its end token included. */
        RANK,
        /** The same, divided by the label's tokens, its end token among them. */
        RANK_BY_LENGTH
    }

    /** Whether rows have gold answers. */
    public enum Gold {
        REQUIRED,
        /** Answers are written, and a submission for SuperGLUE, but no scores. */
        ABSENT
    }

    /**
     * Another system's evaluation.
     *
     * @param path its folder
     * @param name what the report calls the system; empty: as that evaluation does
     */
    public record Other(
            @Setting(help = "folder of the evaluation") String path,

            @Setting(value = "", help = "what the report calls the system; empty: as that evaluation does")
            String name) {}

    /**
     * A task and where its files lie.
     *
     * @param task its name, such as squad; text for rows of one's own
     * @param path its file or folder
     * @param split the part that is scored
     * @param gold whether its rows have gold answers
     * @param text the form of rows of one's own
     */
    public record Source(
            @Setting(help = "name of the task, such as squad; text for rows of your own")
            String task,

            @Setting(help = "its file or folder, as downloaded")
            String path,

            @Setting(value = "validation", help = "train, validation or test")
            Split split,

            @Setting(value = "required", help = "absent: a test set without answers, which are written, not scored")
            Gold gold,

            @Setting(help = "of task text: the form of its rows")
            Optional<FreeText> text) {
        public Source {
            if (task.equals(TEXT) != text.isPresent()) {
                throw new IllegalArgumentException(
                        "task text, and no other, has a form: give text.input and text.target, or the name of a task");
            }
        }

        private static final String TEXT = "text";

        String name() {
            return text.map(FreeText::name).orElse(task);
        }
    }
}
