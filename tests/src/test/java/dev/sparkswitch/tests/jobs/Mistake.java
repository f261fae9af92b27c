package dev.sparkswitch.tests.jobs;

import java.util.ArrayList;
import java.util.List;

/**
 * A command that cannot be done as it was given. {@code @} stands for the folder of a {@link TinyPipeline}, {@code ~} for a
 * blank within an argument; {@code @/new} is not there.
 *
 * @param name what is wrong
 * @param command the command line
 * @param says parts of the one line that it ends with
 */
record Mistake(String name, String command, List<String> says) {
    static final String PRETRAIN = "pretrain --config @/pretrain.yaml --set output=@/new ";
    static final String FINETUNE = "finetune --config @/finetune.yaml ";
    static final String EVALUATE = "evaluate --config @/evaluate.yaml ";

    static final String GENERATE = "generate --config @/generate.yaml ";

    private static Mistake mistake(String name, String command, String... says) {
        return new Mistake(name, command, List.of(says));
    }

    /** All of those that can be met before Spark starts. */
    static List<Mistake> thatNeedNoSpark() {
        List<Mistake> all = new ArrayList<>();
        all.addAll(configurations());
        all.addAll(data());
        all.addAll(training());
        all.addAll(tasks());
        all.addAll(distillation());
        all.addAll(predictions());
        all.addAll(generation());
        return all;
    }

    private static List<Mistake> configurations() {
        return List.of(
                mistake(
                        "a configuration that is not there",
                        "pretrain --config @/none.yaml",
                        "There is no configuration file @/none.yaml"),
                mistake(
                        "a configuration that cannot be read",
                        "pretrain --config /proc/self/mem",
                        "/proc/self/mem cannot be read"),
                mistake(
                        "a configuration that is no YAML",
                        "pretrain --config @/broken.yaml",
                        "@/broken.yaml is no valid YAML in line 1",
                        "expected ',' or ']'"),
                mistake(
                        "an unknown key",
                        PRETRAIN + "--set training.step=3",
                        "training.step: unknown key; the nearest known one is training.steps"),
                mistake(
                        "a value of the wrong type",
                        PRETRAIN + "--set training.steps=many",
                        "training.steps: 'many' is no whole number"),
                mistake(
                        "a value out of range",
                        PRETRAIN + "--set training.rows=0",
                        "rows is 0 but must be at least 1"));
    }

    private static List<Mistake> data() {
        String prepare = "prepare --set preset=light --set output=@/new ";
        String vocab = "vocab --set corpus=@/corpus --set output=@/new ";
        String batch = "batch --set corpus=@/corpus --set vocabulary=@/vocabulary --set output=@/new ";
        return List.of(
                mistake(
                        "text that is not there",
                        prepare + "--set input.paths=[@/none.txt]",
                        "The input @/none.txt does not exist; correct input.paths."),
                mistake("an empty file", prepare + "--set input.paths=[@/empty.txt]", "holds no data", "input.paths"),
                mistake("an empty folder", prepare + "--set input.paths=[@/empty]", "holds no data", "input.paths"),
                mistake(
                        "a corpus where something else lies",
                        prepare + "--set input.paths=[@/text.txt] --set output=@/taken",
                        "@/taken holds thesis.txt but no manifest; name an empty or a new folder."),
                mistake(
                        "a corpus where another one lies",
                        prepare + "--set input.paths=[@/text.txt] --set output=@/corpus --set heldout=0.5",
                        "already holds a 'corpus' made with other settings; name another one or remove it."),
                mistake(
                        "no corpus",
                        vocab + "--set corpus=@/none",
                        "Folder @/none is missing or unfinished",
                        "run 'sparkswitch prepare' to make it"),
                mistake(
                        "a corpus that is a vocabulary",
                        vocab + "--set corpus=@/vocabulary",
                        "@/vocabulary holds a 'vocabulary' where a 'corpus' is needed"),
                mistake("no vocabulary", batch + "--set vocabulary=@/none", "run 'sparkswitch vocab' to make it"),
                mistake(
                        "a damaged vocabulary",
                        batch + "--set vocabulary=@/flipped-vocabulary",
                        "spiece.model is damaged: its checksum is",
                        "run 'sparkswitch vocab' to make it"),
                mistake(
                        "shards where others lie",
                        batch + "--set output=@/shards --set inputs=64 --set buckets=2 --set seed=9",
                        "already holds a 'shards' made with other settings"));
    }

    private static List<Mistake> training() {
        return List.of(
                mistake("no shards", PRETRAIN + "--set shards=@/none", "run 'sparkswitch batch' to make it"),
                mistake(
                        "a shard that is gone",
                        PRETRAIN + "--set shards=@/gone-shards",
                        "00000.arrow is damaged: it is missing; restore it from a copy"),
                mistake(
                        "a shard that is cut",
                        PRETRAIN + "--set shards=@/cut-shards",
                        "00000.arrow is damaged: it has",
                        "run 'sparkswitch batch' to make it"),
                mistake(
                        "shards with ids that the model lacks",
                        PRETRAIN + "--set model.vocabulary-size=250",
                        "hold ids up to 299 but model.vocabulary-size is 250: set it to at least 300."),
                mistake(
                        "held-out shards of another vocabulary",
                        PRETRAIN + "--set shards=@/mixed-shards",
                        "were made with another vocabulary than",
                        "run 'sparkswitch batch' for both"),
                mistake(
                        "experts that the ranks do not divide",
                        PRETRAIN + "--set cluster.ranks=3 --set training.rows=24",
                        "4 experts cannot be spread evenly over 3 ranks; choose a number of ranks"),
                mistake(
                        "rows that the ranks do not divide",
                        PRETRAIN + "--set cluster.ranks=2 --set training.rows=6",
                        "6 rows a step cannot be cut into 2 ranks",
                        "make rows a multiple of 4"),
                mistake(
                        "a run where something else lies",
                        PRETRAIN + "--set output=@/taken",
                        "@/taken holds thesis.txt but no run: name another output, or remove the folder."),
                mistake(
                        "a run in a vocabulary",
                        PRETRAIN + "--set output=@/vocabulary",
                        "@/vocabulary holds a 'vocabulary': name another output"),
                mistake(
                        "a run where one with other settings lies",
                        PRETRAIN + "--set output=@/model --set training.steps=4",
                        "holds a run with other settings (training.steps is 2 there and 4 here): name another output"),
                mistake(
                        "a run where one on other data lies",
                        PRETRAIN + "--set output=@/model --set shards=@/other-shards",
                        "holds a run on other data: name another output"),
                mistake(
                        "a start from nothing",
                        PRETRAIN + "--set init-from=@/none",
                        "@/none holds no model",
                        "correct the path, or run 'sparkswitch pretrain'"),
                mistake(
                        "a start from a damaged model",
                        PRETRAIN + "--set init-from=@/damaged-model",
                        "@/damaged-model/checkpoints holds no model: all 1 checkpoints are damaged; restore one."),
                mistake(
                        "a start from a damaged checkpoint",
                        PRETRAIN + "--set init-from=@/damaged-model/checkpoints/step-00000002-a0",
                        "dense.safetensors is damaged: its checksum is"),
                mistake(
                        "a start from a model of another vocabulary",
                        PRETRAIN + "--set init-from=@/model --set shards=@/other-shards",
                        "@/model was trained with the vocabulary sha256:",
                        "run 'sparkswitch batch' with the model's vocabulary"),
                mistake(
                        "a start from a model of another shape",
                        PRETRAIN + "--set init-from=@/model --set model.feed-forward-size=32",
                        "has shape [",
                        "give the model the settings that belong to these weights"));
    }

    private static List<Mistake> tasks() {
        return List.of(
                mistake("tuning of nothing", FINETUNE + "--set from=@/none", "@/none holds no model"),
                mistake(
                        "tuning with another vocabulary",
                        FINETUNE + "--set vocabulary=@/other-vocabulary",
                        "@/model was trained with the vocabulary sha256:",
                        "name the model's own vocabulary"),
                mistake(
                        "tuning on a task that is not there",
                        FINETUNE + "--set tasks=[{task:~boolq,~path:~@/none}]",
                        "@/none: no such file for task boolq; get it from https://"),
                mistake(
                        "tuning on an unknown task",
                        FINETUNE + "--set tasks=[{task:~boolc,~path:~@/tasks}]",
                        "there is no task \"boolc\"; the tasks are boolq"),
                mistake(
                        "tuning on a broken file",
                        FINETUNE + "--set tasks=[{task:~boolq,~path:~@/tasks/broken.jsonl}]",
                        "broken.jsonl, line 2: not a JSON object a line"),
                mistake(
                        "tuning chosen by the score of another task",
                        FINETUNE + "--set selection.metric=squad/f1",
                        "selection.metric is squad/f1, but the tasks are boolq"),
                mistake(
                        "tuning without validation examples",
                        FINETUNE + "--set tasks=[{task:~boolq,~path:~@/tasks,~validation:~@/none}]",
                        "@/none: no such file for task boolq",
                        "Name them in tasks[].validation, or set selection.metric=loss"),
                mistake(
                        "tuning of a model and of another",
                        FINETUNE + "--set model=switch-base-8",
                        "set from to null to train it from random weights"),
                mistake(
                        "tuning of random weights without a model",
                        FINETUNE + "--set from=null",
                        "from is null and model is not given"),
                mistake(
                        "tuning on ranks that do not divide the experts",
                        FINETUNE + "--set cluster.ranks=3 --set training.rows=24",
                        "4 experts cannot be spread evenly over 3 ranks"),
                mistake(
                        "a tuned model where something else lies",
                        FINETUNE + "--set output=@/taken",
                        "@/taken holds thesis.txt but no run"),
                mistake(
                        "scoring with another vocabulary",
                        EVALUATE + "--set vocabulary=@/other-vocabulary",
                        "name the model's own vocabulary"),
                mistake(
                        "scoring of a task that is not there",
                        EVALUATE + "--set tasks=[{task:~boolq,~path:~@/none}]",
                        "no such file for task boolq"),
                mistake(
                        "scoring without gold answers",
                        EVALUATE + "--set tasks=[{task:~boolq,~path:~@/tasks,~split:~test}]",
                        "has no gold answer; score a split with answers"),
                mistake(
                        "scores where something else lies",
                        EVALUATE + "--set output=@/taken",
                        "@/taken holds thesis.txt but no evaluation: name another output"),
                mistake(
                        "scores in the model's folder",
                        EVALUATE + "--set output=@/model",
                        "@/model holds a 'run': name another output"));
    }

    private static List<Mistake> distillation() {
        String onTasks = "distill --set teacher=@/model --set vocabulary=@/vocabulary --set output=@/new"
                + " --set training={steps:~2,~rows:~8} --set tasks=[{task:~boolq,~path:~@/tasks}] ";
        String student = "{vocabulary-size:~300,~model-size:~16,~key-size:~4,~heads:~4,~feed-forward-size:~24,"
                + "~encoder-layers:~2,~decoder-layers:~2";
        return List.of(
                mistake("a teacher that is not there", onTasks + "--set teacher=@/none", "@/none holds no model"),
                mistake(
                        "a teacher with another vocabulary",
                        onTasks + "--set vocabulary=@/other-vocabulary",
                        "@/model was trained with the vocabulary sha256:",
                        "name the model's own vocabulary"),
                mistake(
                        "a student with experts",
                        onTasks + "--set student=" + student
                                + ",~sparse:~{experts:~2,~sparse-encoder-layers:~1,~sparse-decoder-layers:~0}}",
                        "The student has experts",
                        "leave student.sparse out"),
                mistake(
                        "a student of another vocabulary",
                        onTasks + "--set student=" + student.replace("300", "200") + "}",
                        "The teacher speaks of 300 ids, but student.vocabulary-size is 200"),
                mistake(
                        "a student larger than its teacher",
                        onTasks + "--set student=" + student.replace("size:~24", "size:~240") + "}",
                        "The student has ",
                        "give a student that is smaller"),
                mistake(
                        "distillation of no data",
                        onTasks + "--set tasks=[]",
                        "the data is missing: give shards, or tasks"),
                mistake(
                        "distillation of two kinds of data",
                        onTasks + "--set shards=@/shards",
                        "shards and tasks are both given"),
                mistake(
                        "distillation without a teacher's part",
                        onTasks + "--set soft-share=0",
                        "soft-share 0.0 must lie in (0, 1]"),
                mistake("a baseline that is not there", onTasks + "--set baseline=@/none", "@/none holds no model"));
    }

    private static List<Mistake> predictions() {
        String score = EVALUATE + "--set predictions=@/predictions/";
        return List.of(
                mistake("scoring of no file", score + "none.jsonl", "@/predictions/none.jsonl: no such file"),
                mistake(
                        "predictions that are missing",
                        score + "missing.jsonl",
                        "missing.jsonl: 2 of 4 examples have no prediction (\"2\", \"3\")",
                        "missing=wrong"),
                mistake(
                        "predictions that are doubled",
                        score + "doubled.jsonl",
                        "doubled.jsonl: 1 ids have a second prediction (\"0\" in line 2)"),
                mistake(
                        "predictions for rows that there are not",
                        score + "unknown.jsonl",
                        "1 predictions are for no example of the 4 (the first is \"9\")"),
                mistake("predictions in another layout", score + "list.json", "list.json: not one JSON object of ids"),
                mistake(
                        "labels outside the set",
                        score + "all.jsonl --set tasks=[{task:~boolq,~path:~@/tasks/labels.jsonl}]",
                        "labels.jsonl, line 2: the row has the label \"perhaps\", which is none of False, True",
                        "(2 rows of the file are wrong)"),
                mistake(
                        "empty references",
                        score + "all.jsonl --set tasks=[{task:~text,~path:~@/predictions/empty.jsonl,"
                                + "~text:~{input:~'{q}',~target:~'{a}'}}]",
                        "1 of 2 rows have an empty reference"),
                mistake(
                        "a form for a task that has its own",
                        EVALUATE + "--set tasks=[{task:~text,~path:~@/tasks}]",
                        "task text, and no other, has a form"),
                mistake(
                        "a task twice",
                        EVALUATE + "--set tasks=[{task:~boolq,~path:~@/tasks},{task:~boolq,~path:~@/tasks}]",
                        "two of the tasks are called boolq"),
                mistake(
                        "comparing with what is no evaluation",
                        EVALUATE + "--set compare=[{path:~@/model}]",
                        "@/model"));
    }

    private static List<Mistake> generation() {
        return List.of(
                mistake("answers of no model", GENERATE + "--set from=@/none", "@/none holds no model"),
                mistake(
                        "answers with another vocabulary",
                        GENERATE + "--set vocabulary=@/other-vocabulary",
                        "name the model's own vocabulary"),
                mistake(
                        "answers to nothing",
                        GENERATE + "--set input.paths=[@/none.jsonl]",
                        "The input @/none.jsonl does not exist; correct input.paths."),
                mistake("answers to an empty file", GENERATE + "--set input.paths=[@/empty.txt]", "holds no data"),
                mistake(
                        "a prompt without a field",
                        GENERATE + "--set prompt=sumarize",
                        "prompt 'sumarize' has no {field} and is no name of a prompt",
                        "summarize"),
                mistake(
                        "a prompt with an open brace",
                        GENERATE + "--set prompt='{question'",
                        "has a '{' at character 1 that belongs to no {field}"),
                mistake(
                        "a field that lines of text lack",
                        GENERATE + "--set input.format=text",
                        "a line of text has the field 'text' alone"),
                mistake(
                        "settings that contradict each other",
                        GENERATE + "--set generation.beams=4 --set generation.top-p=2",
                        "beams is 4, which has a meaning in mode beam alone, but mode is greedy",
                        "top-p is 2.0 but must be above 0 and at most 1"),
                mistake(
                        "more beams than ids",
                        GENERATE + "--set generation={mode:~beam,~beams:~200}",
                        "beams is 200, but a vocabulary of 300 ids allows at most 150: lower beams."),
                mistake(
                        "answers where something else lies",
                        GENERATE + "--set output=@/taken",
                        "@/taken holds thesis.txt but no generation: name another output"),
                mistake(
                        "answers in the model's folder",
                        GENERATE + "--set output=@/model",
                        "@/model holds a 'run': name another output"));
    }

    @Override
    public String toString() {
        return name;
    }
}
