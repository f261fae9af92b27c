package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.eval.task.Prompt;
import dev.sparkswitch.generate.GenerationConfig;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The settings of writing with a model.
 *
 * @param from the model: a run, a checkpoint or a Hugging Face folder
 * @param vocabulary the folder of the model's vocabulary
 * @param input the rows
 * @param prompt a template with fields of a row in braces, or the name of one; see {@link Prompt}
 * @param output the folder for the rows with their answers
 * @param format of the output
 * @param answerColumn the field that the answer gets
 * @param inputs tokens of a text that the model reads, its end included
 * @param tooLong what happens to longer ones
 * @param generation how answers are written
 * @param rows texts that are answered together
 * @param partRows rows that are kept together when work is stopped: at most so many are answered again
 * @param engine on what
 */
public record GenerateConfig(
        @Setting(help = "model: a run, a checkpoint or a Hugging Face folder")
        String from,

        @Setting(help = "folder of the model's vocabulary") String vocabulary,
        @Setting(help = "the rows") Input input,

        @Setting(
                value = "plain",
                help = "template with {field}s, or plain, summarize, question, chat, translate-english-to-german")
        String prompt,

        @Setting(help = "folder for the rows with their answers")
        String output,

        @Setting(help = "parquet or json; left out: as the input, json for text")
        Optional<OutputFormat> format,

        @Setting(value = "answer", help = "field that the answer gets")
        String answerColumn,

        @Setting(value = "512", help = "tokens of a text that the model reads, its end included")
        int inputs,

        @Setting(value = "error", help = "longer texts: error refuses them, cut leaves their end out")
        TooLong tooLong,

        @Setting(help = "how answers are written") GenerationConfig generation,

        @Setting(value = "32", help = "texts that are answered together")
        int rows,

        @Setting(value = "256", help = "rows of a part; parts that are finished are not done again")
        int partRows,

        @Setting(help = "the engine") EngineSettings engine) {
    public GenerateConfig {
        if (inputs < 2 || rows < 1 || partRows < 1) {
            throw new IllegalArgumentException("inputs must be at least 2, rows and part-rows at least 1");
        }
        if (answerColumn.isBlank()) {
            throw new IllegalArgumentException("answer-column must not be empty");
        }
        Prompt read = Prompt.of(prompt);
        if (input.format() == InputFormat.TEXT && !read.fields().equals(Set.of(RowSource.TEXT))) {
            throw new IllegalArgumentException("prompt '" + prompt + "' has the fields " + read.fields()
                    + ", but a line of text has the field 'text' alone: use {text}, or another input.format");
        }
    }

    /** The output's format, said or not. */
    OutputFormat outputFormat() {
        return format.orElse(input.format() == InputFormat.PARQUET ? OutputFormat.PARQUET : OutputFormat.JSON);
    }

    /** What happens to a text with more tokens than the model is to read. */
    public enum TooLong {
        /** It is refused. */
        ERROR,
        /** Its end is left out. */
        CUT
    }

    /** What rows are read from. */
    public enum InputFormat {
        /** A row a line, with the field {@code text}. */
        TEXT,
        /** A JSON object a line. */
        JSON,
        PARQUET
    }

    /** What rows are written as. */
    public enum OutputFormat {
        PARQUET,
        /** A JSON object a line. */
        JSON
    }

    /**
     * The rows.
     *
     * @param paths files, folders and patterns on any file system that Hadoop knows
     * @param format of the files
     */
    public record Input(
            @Setting(help = "files, folders and patterns") List<String> paths,

            @Setting(value = "json", help = "text, json (an object a line) or parquet")
            InputFormat format) {
        public Input {
            if (paths.isEmpty()) {
                throw new IllegalArgumentException("input.paths must name at least one file or folder");
            }
        }
    }
}
