package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.InputFiles;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.RankClassification;
import dev.sparkswitch.eval.report.Examples;
import dev.sparkswitch.eval.task.Predictions;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Wording;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Answers the examples of tasks over all executors, scores the answers and writes them down; goes on where it was stopped. */
public final class Evaluate {
    /** The kind of an evaluation's manifest. */
    public static final String KIND = "evaluation";

    private static final RunFolder.Work WORK =
            new RunFolder.Work(KIND, KIND, List.of("from", "vocabulary", "predictions", "output", "engine", "rows"));

    private Evaluate() {}

    /**
     * A finished evaluation.
     *
     * @param folder where it lies
     * @param manifest what made it
     * @param tasks what was scored
     * @param results one entry a task
     * @param wasComplete whether it was there already
     */
    public record Finished(
            Path folder, Manifest manifest, List<Task> tasks, List<Task.Evaluation> results, boolean wasComplete) {}

    /**
     * What one task came to.
     *
     * @param likelihoods of each label where labels were ranked, in the order of the examples; else none
     */
    record Result(TaskRows rows, Task.Evaluation evaluation, List<RankClassification.Ranked> likelihoods) {}

    /**
     * Evaluates, or finds that it is done.
     *
     * @throws UserException where the model, the vocabulary, the predictions or a task's file is missing or does not fit
     */
    public static Finished run(TrainingRun.SparkSource spark, Configuration hadoop, EvaluateConfig config) {
        Optional<TrainedModel> model = Optional.empty();
        if (config.predictions().isEmpty()) {
            model = Optional.of(TrainedModel.open(hadoop, config.from(), config.vocabulary()));
            config.generation().requireFit(model.get().config());
        }
        RunFolder.requireOurs(hadoop, config.output(), WORK);
        List<TaskRows> tasks = TaskRows.read(spark, config);
        List<OtherEvaluation> others = OtherEvaluation.open(hadoop, config, tasks);
        List<Manifest.Input> inputs = inputs(hadoop, config, model, tasks, others);
        ObjectNode tree = Configs.toTree(config);
        RunFolder folder = RunFolder.open(hadoop, config.output(), WORK, tree, inputs);
        EvaluationFiles files = new EvaluationFiles(folder, config);
        Optional<Manifest> finished = folder.finished();
        if (finished.isPresent()) {
            List<Result> results = results(config, tasks, restored(files, tasks));
            return finished(folder, finished.get(), results, true);
        }
        List<TaskAnswers.Answered> answers;
        if (model.isEmpty()) {
            answers = predicted(spark, config, tasks);
            folder.begin();
        } else {
            folder.begin();
            answers = TaskAnswers.of(
                    spark.start(), folder.path(), config, model.get().vocabulary(), tasks);
        }
        List<Result> results = results(config, tasks, answers);
        try {
            return finished(folder, files.write(spark.start(), results, others), results, false);
        } catch (IOException e) {
            throw new ResourceException(
                    "The folder " + folder.path() + " cannot be written (" + e.getMessage()
                            + "): check the disk's space and your rights.",
                    e);
        }
    }

    private static Finished finished(RunFolder folder, Manifest manifest, List<Result> results, boolean wasComplete) {
        List<Task> tasks = results.stream().map(result -> result.rows().task()).toList();
        List<Task.Evaluation> evaluations =
                results.stream().map(Result::evaluation).toList();
        return new Finished(folder.path(), manifest, tasks, evaluations, wasComplete);
    }

    private static List<Manifest.Input> inputs(
            Configuration hadoop,
            EvaluateConfig config,
            Optional<TrainedModel> model,
            List<TaskRows> tasks,
            List<OtherEvaluation> others) {
        List<Manifest.Input> inputs = new ArrayList<>();
        model.ifPresent(trained -> {
            inputs.add(trained.input());
            inputs.add(new Manifest.Input(
                    "vocabulary",
                    trained.vocabulary().folder().toString(),
                    trained.vocabulary().hash()));
        });
        config.predictions().ifPresent(path -> {
            for (Manifest.Input file : predictionFiles(hadoop, path).asInputs(hadoop)) {
                inputs.add(new Manifest.Input("predictions", file.path(), file.id()));
            }
        });
        tasks.forEach(task -> inputs.add(task.input()));
        others.forEach(other -> inputs.add(other.input()));
        return inputs;
    }

    private static InputFiles predictionFiles(Configuration hadoop, String path) {
        if (!Files.exists(java.nio.file.Path.of(path))) {
            throw new UserException(
                    path + ": no such file of predictions; give an existing .json, .jsonl or Parquet file");
        }
        return InputFiles.find(hadoop, List.of(path));
    }

    /** The answers in a file of any system. */
    private static List<TaskAnswers.Answered> predicted(
            TrainingRun.SparkSource spark, EvaluateConfig config, List<TaskRows> tasks) {
        java.nio.file.Path file = java.nio.file.Path.of(config.predictions().orElseThrow());
        boolean parquet = Files.isDirectory(file) || file.toString().endsWith(".parquet");
        List<String> rows =
                parquet ? spark.start().read().parquet(file.toString()).toJSON().collectAsList() : List.of();
        List<TaskAnswers.Answered> all = new ArrayList<>();
        for (TaskRows task : tasks) {
            Map<String, String> predictions = parquet
                    ? Predictions.of(rows, file, task.name())
                    : Predictions.read(file, task.name(), task.examples());
            task.task().requireKnown(task.examples(), predictions);
            switch (config.missing()) {
                case REFUSE -> Predictions.requireAll(file.toString(), task.examples(), predictions);
                case WRONG -> {}
            }
            all.add(new TaskAnswers.Answered(predictions, List.of()));
        }
        return all;
    }

    /** What a finished evaluation found, from its predictions. */
    private static List<TaskAnswers.Answered> restored(EvaluationFiles files, List<TaskRows> tasks) {
        List<TaskAnswers.Answered> all = new ArrayList<>();
        Map<String, Map<String, String>> found = files.predictions();
        for (TaskRows task : tasks) {
            all.add(new TaskAnswers.Answered(found.getOrDefault(task.name(), Map.of()), List.of()));
        }
        return all;
    }

    private static List<Result> results(
            EvaluateConfig config, List<TaskRows> tasks, List<TaskAnswers.Answered> answers) {
        Bootstrap bootstrap = Bootstrap.standard(config.seed());
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < tasks.size(); i++) {
            TaskRows rows = tasks.get(i);
            Map<String, String> predictions = answers.get(i).predictions();
            Task.Evaluation evaluation = rows.scored()
                    ? rows.task().evaluate(rows.examples(), predictions, wording(config), bootstrap)
                    : rows.task().unscored(rows.examples(), predictions, bootstrap);
            results.add(new Result(rows, evaluation, answers.get(i).likelihoods()));
        }
        return results;
    }

    /** A model that reads T5's form writes it too; a file is in the form that it is said to be in. */
    static Wording wording(EvaluateConfig config) {
        return config.predictions().isPresent() ? config.wording() : Wording.T5;
    }

    /** The first examples of every task in turn. */
    public static List<Examples.Entry> shown(List<Task> tasks, List<Task.Evaluation> results, int count) {
        List<Examples.Entry> entries = new ArrayList<>();
        for (int row = 0; entries.size() < count; row++) {
            boolean any = false;
            for (int i = 0; i < tasks.size() && entries.size() < count; i++) {
                if (row < results.get(i).examples().size()) {
                    entries.add(Examples.Entry.of(
                            tasks.get(i).name(), results.get(i).examples().get(row)));
                    any = true;
                }
            }
            if (!any) {
                break;
            }
        }
        return entries;
    }
}
