package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.report.Examples;
import dev.sparkswitch.eval.report.RunReport;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.ScoredExample;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Tasks;
import dev.sparkswitch.eval.task.Wording;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Answers the examples of tasks over all executors, scores the answers and writes them down. */
public final class Evaluate {
    /** The kind of an evaluation's manifest. */
    public static final String KIND = "evaluation";
    /** The file with one line an example. */
    public static final String PREDICTIONS = "predictions.jsonl";
    /** The file with the scores. */
    public static final String METRICS = "metrics.json";
    /** The page for a person. */
    public static final String REPORT = "report.html";

    private static final List<String> FILES = List.of(PREDICTIONS, METRICS, REPORT);
    private static final ObjectMapper JSON = new ObjectMapper();

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
     * Evaluates, or finds that it is done.
     *
     * @throws UserException where the model, the vocabulary or a task's file is missing or does not fit
     */
    public static Finished run(TrainingRun.SparkSource spark, Configuration hadoop, EvaluateConfig config) {
        TrainedModel trained = TrainedModel.open(hadoop, config.from(), config.vocabulary());
        config.generation().requireFit(trained.config());
        Vocabulary vocabulary = trained.vocabulary();
        Manifest.Input model = trained.input();
        Path folder = new Path(config.output());
        try {
            FileSystem files = HadoopFiles.raw(folder.getFileSystem(hadoop));
            Optional<Manifest> found = Manifests.find(files, folder);
            if (found.isPresent()) {
                boolean same = found.get().kind().equals(KIND)
                        && found.get().inputs().contains(model)
                        && comparable(found.get().config()).equals(comparable(Configs.toTree(config)));
                if (!same) {
                    String kind = found.get().kind();
                    throw taken(folder, kind.equals(KIND) ? "holds another evaluation" : "holds a '" + kind + "'");
                }
                return restored(files, folder, config, found.get());
            }
            requireOurs(files, folder);
            return evaluate(spark, files, folder, config, vocabulary, model);
        } catch (IOException e) {
            throw new ResourceException(
                    "The folder " + folder + " cannot be written (" + e.getMessage()
                            + "): check the disk's space and your rights.",
                    e);
        }
    }

    /** Refuses a folder with anything in it but what an evaluation that was killed leaves. */
    private static void requireOurs(FileSystem files, Path folder) throws IOException {
        if (!files.exists(folder)) {
            return;
        }
        for (FileStatus status : files.listStatus(folder)) {
            String name = status.getPath().getName();
            if (!FILES.contains(name) && !name.startsWith("." + Manifests.NAME)) {
                throw taken(folder, "holds " + name + " but no evaluation");
            }
        }
    }

    private static UserException taken(Path folder, String what) {
        return new UserException("The folder " + folder + " " + what + ": name another output, or remove the folder.");
    }

    /** What a finished evaluation found, from its predictions. */
    private static Finished restored(FileSystem files, Path folder, EvaluateConfig config, Manifest manifest)
            throws IOException {
        Map<String, Map<String, String>> answers = new HashMap<>();
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(files.open(new Path(folder, PREDICTIONS)), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                JsonNode answer = JSON.readTree(line);
                answers.computeIfAbsent(answer.path("task").asText(), name -> new HashMap<>())
                        .put(
                                answer.path("id").asText(),
                                answer.path("prediction").asText());
            }
        }
        List<Task> tasks = new ArrayList<>();
        List<Task.Evaluation> results = new ArrayList<>();
        for (EvaluateConfig.Source source : config.tasks()) {
            Task task = Tasks.named(source.task());
            List<Example> examples = task.read(java.nio.file.Path.of(source.path()), source.split());
            tasks.add(task);
            results.add(task.evaluate(
                    examples,
                    answers.getOrDefault(task.name(), Map.of()),
                    Wording.T5,
                    Bootstrap.standard(config.seed())));
        }
        return new Finished(folder, manifest, tasks, results, true);
    }

    private static JsonNode comparable(JsonNode settings) throws IOException {
        ObjectNode copy = (ObjectNode) JSON.readTree(JSON.writeValueAsBytes(settings));
        return copy.without(List.of("output", "engine", "rows"));
    }

    private static Finished evaluate(
            TrainingRun.SparkSource spark,
            FileSystem files,
            Path folder,
            EvaluateConfig config,
            Vocabulary vocabulary,
            Manifest.Input model)
            throws IOException {
        List<Task> tasks = new ArrayList<>();
        List<List<Example>> examples = new ArrayList<>();
        List<Answerer.Question> questions = new ArrayList<>();
        for (EvaluateConfig.Source source : config.tasks()) {
            Task task = Tasks.named(source.task());
            List<Example> read = task.read(java.nio.file.Path.of(source.path()), source.split());
            task.requireScorable(read);
            tasks.add(task);
            examples.add(read);
            for (Example example : read) {
                questions.add(new Answerer.Question(questions.size(), example.input()));
            }
        }
        String[] answers = answer(spark.start(), config, vocabulary, questions);
        List<Task.Evaluation> results = new ArrayList<>();
        int place = 0;
        for (int i = 0; i < tasks.size(); i++) {
            Map<String, String> predictions = new HashMap<>();
            for (Example example : examples.get(i)) {
                predictions.put(example.id(), answers[place++]);
            }
            results.add(
                    tasks.get(i).evaluate(examples.get(i), predictions, Wording.T5, Bootstrap.standard(config.seed())));
        }
        return write(files, folder, config, model, vocabulary, tasks, results);
    }

    private static String[] answer(
            SparkSession spark, EvaluateConfig config, Vocabulary vocabulary, List<Answerer.Question> questions) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        Answerer.Settings settings = new Answerer.Settings(
                TrainingRun.qualified(context.hadoopConfiguration(), config.from()),
                vocabulary.model(),
                Configs.toTree(config.engine()).toString(),
                Configs.toTree(config.generation()).toString(),
                config.inputs(),
                GenerateConfig.TooLong.CUT,
                config.rows(),
                TrainingRun.hadoopSettings(spark));
        int partitions =
                Math.max(1, Math.min(context.defaultParallelism(), questions.size() / Math.max(1, config.rows()) + 1));
        String[] answers = new String[questions.size()];
        try (Progress progress = Progress.start("evaluate", "examples", questions.size())) {
            context.parallelize(questions, partitions)
                    .mapPartitions(new AnswerWriter(settings))
                    .collect()
                    .forEach(answer -> {
                        answers[(int) answer.id()] = answer.text();
                        progress.advance(1);
                    });
        }
        return answers;
    }

    private static Finished write(
            FileSystem files,
            Path folder,
            EvaluateConfig config,
            Manifest.Input model,
            Vocabulary vocabulary,
            List<Task> tasks,
            List<Task.Evaluation> results)
            throws IOException {
        files.mkdirs(folder);
        try (OutputStream out = files.create(new Path(folder, PREDICTIONS), true)) {
            for (int i = 0; i < tasks.size(); i++) {
                for (ScoredExample example : results.get(i).examples()) {
                    ObjectNode line =
                            JSON.createObjectNode().put("task", tasks.get(i).name());
                    line.setAll((ObjectNode) JSON.valueToTree(example.toJson()));
                    out.write((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
        }
        ObjectNode metrics = JSON.createObjectNode();
        metrics.put("version", Build.version()).put("model", model.id()).put("vocabulary", vocabulary.hash());
        metrics.set("config", Configs.toTree(config));
        ArrayNode scores = metrics.putArray("scores");
        results.forEach(
                result -> scores.add((JsonNode) JSON.valueToTree(result.scores().toJson())));
        try (OutputStream out = files.create(new Path(folder, METRICS), true)) {
            out.write(JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(metrics));
        }
        String page = RunReport.titled("Evaluation", config.from())
                .scores(results.stream().map(Task.Evaluation::scores).toList())
                .examples(shown(tasks, results, 20))
                .facts(List.of(
                        new Sections.Fact("SparkSwitch", Build.version()),
                        new Sections.Fact("Model", model.id()),
                        new Sections.Fact("Vocabulary", vocabulary.hash())))
                .page()
                .html();
        try (OutputStream out = files.create(new Path(folder, REPORT), true)) {
            out.write(page.getBytes(StandardCharsets.UTF_8));
        }
        Manifest.Builder manifest = Manifest.builder(KIND)
                .seed(config.seed())
                .config(Configs.toTree(config))
                .input(model)
                .property(Vocabulary.HASH, vocabulary.hash());
        for (String name : FILES) {
            manifest.file(Manifests.entry(files, folder, name, new TreeMap<>()));
        }
        for (int i = 0; i < tasks.size(); i++) {
            manifest.count(tasks.get(i).name(), results.get(i).examples().size());
        }
        Manifest done = manifest.build();
        Manifests.write(files, folder, done);
        return new Finished(folder, done, tasks, results, false);
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
