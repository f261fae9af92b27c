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
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.PairedTest;
import dev.sparkswitch.eval.metric.RankClassification;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.report.EvaluationReport;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.task.ScoredExample;
import dev.sparkswitch.eval.task.SuperGlueSubmission;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Tasks;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** What an evaluation leaves in its folder. */
final class EvaluationFiles {
    /** The file with one line an example. */
    static final String PREDICTIONS = "predictions.jsonl";
    /** The file with the scores. */
    static final String METRICS = "metrics.json";
    /** The page for a person. */
    static final String REPORT = "report.html";
    /** The examples as a table. */
    static final String TABLE = "examples";
    /** The files for SuperGLUE's site. */
    static final String SUBMISSION = "superglue";

    private static final int TABLE_ROWS = 200_000;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final StructType SCHEMA = new StructType()
            .add("task", DataTypes.StringType)
            .add("id", DataTypes.StringType)
            .add("group", DataTypes.StringType)
            .add("input", DataTypes.StringType)
            .add("target", DataTypes.StringType)
            .add("label", DataTypes.StringType)
            .add("references", DataTypes.createArrayType(DataTypes.StringType))
            .add("prediction", DataTypes.StringType)
            .add("valid", DataTypes.BooleanType)
            .add("scores", DataTypes.createMapType(DataTypes.StringType, DataTypes.DoubleType));

    private final RunFolder folder;
    private final EvaluateConfig config;
    private final List<String> written = new ArrayList<>();

    EvaluationFiles(RunFolder folder, EvaluateConfig config) {
        this.folder = folder;
        this.config = config;
    }

    /** The predictions of the finished evaluation, by task and example id. */
    Map<String, Map<String, String>> predictions() {
        try {
            return predictions(folder.files(), folder.path());
        } catch (IOException e) {
            throw new ResourceException(
                    "The predictions in " + folder.path() + " cannot be read (" + e.getMessage()
                            + "): check your rights.",
                    e);
        }
    }

    static Map<String, Map<String, String>> predictions(FileSystem files, Path folder) throws IOException {
        Map<String, Map<String, String>> predictions = new HashMap<>();
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(files.open(new Path(folder, PREDICTIONS)), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                JsonNode row = JSON.readTree(line);
                if (row.hasNonNull("prediction")) {
                    predictions
                            .computeIfAbsent(row.path("task").asText(), name -> new HashMap<>())
                            .put(row.path("id").asText(), row.path("prediction").asText());
                }
            }
        }
        return predictions;
    }

    /** Writes everything and the manifest; then the parts are not needed any more. */
    Manifest write(SparkSession spark, List<Evaluate.Result> results, List<OtherEvaluation> others) throws IOException {
        writePredictions(results);
        writeTable(spark, results);
        Map<String, Long> mended = writeSubmissions(results);
        List<EvaluationReport.Comparison> comparisons = comparisons(results, others);
        writeMetrics(spark, results, comparisons, mended);
        writeReport(spark, results, comparisons);
        Manifest.Builder manifest =
                Manifest.builder(Evaluate.KIND).seed(config.seed()).config(Configs.toTree(config));
        folder.inputs().forEach(manifest::input);
        id("vocabulary").ifPresent(hash -> manifest.property(Vocabulary.HASH, hash));
        for (String name : written) {
            manifest.file(Manifests.entry(folder.files(), folder.path(), name, new TreeMap<>()));
        }
        for (Evaluate.Result result : results) {
            manifest.count(result.rows().name(), result.evaluation().examples().size());
        }
        Manifest done = folder.commit(manifest.build());
        folder.files().delete(new Path(folder.path(), TaskAnswers.FOLDER), true);
        return done;
    }

    private Optional<String> id(String input) {
        return folder.inputs().stream()
                .filter(found -> found.name().equals(input))
                .map(Manifest.Input::id)
                .findFirst();
    }

    private Writer open(String name) throws IOException {
        written.add(name);
        Path file = new Path(folder.path(), name);
        return new BufferedWriter(
                new OutputStreamWriter(HadoopFiles.create(folder.files(), file), StandardCharsets.UTF_8));
    }

    private void writePredictions(List<Evaluate.Result> results) throws IOException {
        try (Writer out = open(PREDICTIONS)) {
            for (Evaluate.Result result : results) {
                List<ScoredExample> examples = result.evaluation().examples();
                for (int i = 0; i < examples.size(); i++) {
                    ObjectNode line =
                            JSON.createObjectNode().put("task", result.rows().name());
                    line.setAll(JSON.<ObjectNode>valueToTree(examples.get(i).toJson()));
                    if (!result.likelihoods().isEmpty()) {
                        ObjectNode labels = line.putObject("log-likelihoods");
                        List<Double> values = result.likelihoods().get(i).likelihoods();
                        for (int label = 0; label < values.size(); label++) {
                            labels.put(result.rows().task().labels().get(label), values.get(label));
                        }
                    }
                    out.write(JSON.writeValueAsString(line) + "\n");
                }
            }
        }
    }

    private void writeTable(SparkSession spark, List<Evaluate.Result> results) throws IOException {
        List<Row> rows = new ArrayList<>();
        for (Evaluate.Result result : results) {
            for (ScoredExample scored : result.evaluation().examples()) {
                rows.add(RowFactory.create(
                        result.rows().name(),
                        scored.example().id(),
                        scored.example().group(),
                        scored.example().input(),
                        scored.example().target(),
                        scored.example().label(),
                        scored.example().references().toArray(String[]::new),
                        scored.prediction().orElse(null),
                        scored.valid(),
                        new HashMap<>(scored.scores())));
            }
        }
        Path table = new Path(folder.path(), TABLE);
        folder.files().delete(table, true);
        spark.createDataFrame(rows, SCHEMA)
                .coalesce(rows.size() / TABLE_ROWS + 1)
                .write()
                .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
                .parquet(table.toString());
        for (FileStatus file : folder.files().listStatus(table)) {
            String name = file.getPath().getName();
            if (name.startsWith("part-")) {
                written.add(TABLE + "/" + name);
            }
        }
    }

    /** The files for SuperGLUE's site, and how many answers of each task stand there as a label that they were not. */
    private Map<String, Long> writeSubmissions(List<Evaluate.Result> results) throws IOException {
        Map<String, Long> mended = new TreeMap<>();
        for (Evaluate.Result result : results) {
            Task task = result.rows().task();
            if (!SuperGlueSubmission.covers(task)) {
                continue;
            }
            SuperGlueSubmission submission =
                    SuperGlueSubmission.of(task, result.evaluation().examples());
            mended.put(task.name(), submission.mended());
            try (Writer out = open(SUBMISSION + "/" + submission.file())) {
                for (String line : submission.lines()) {
                    out.write(line + "\n");
                }
            }
        }
        return mended;
    }

    private List<EvaluationReport.Comparison> comparisons(List<Evaluate.Result> results, List<OtherEvaluation> others) {
        List<EvaluationReport.Comparison> comparisons = new ArrayList<>();
        for (OtherEvaluation other : others) {
            for (Evaluate.Result result : results) {
                if (result.rows().scored()) {
                    comparisons.add(new EvaluationReport.Comparison(
                            other.name(), result.rows().name(), other.compare(config, result)));
                }
            }
        }
        return comparisons;
    }

    private void writeMetrics(
            SparkSession spark,
            List<Evaluate.Result> results,
            List<EvaluationReport.Comparison> comparisons,
            Map<String, Long> mended)
            throws IOException {
        Bootstrap bootstrap = Bootstrap.standard(config.seed());
        ObjectNode metrics = JSON.createObjectNode()
                .put("system", config.system())
                .put("version", Build.version())
                .put("java", Runtime.version().toString())
                .put("spark", spark.version());
        for (Manifest.Input input : folder.inputs()) {
            if (!input.name().startsWith("task ")) {
                metrics.put(input.name().replace(' ', '-'), input.id());
            }
        }
        metrics.put("wording", Evaluate.wording(config).name().toLowerCase(Locale.ROOT));
        metrics.putObject("bootstrap")
                .put("seed", bootstrap.seed())
                .put("resamples", bootstrap.resamples())
                .put("level", bootstrap.level());
        ArrayNode scores = metrics.putArray("scores");
        for (Evaluate.Result result : results) {
            scores.add(scores(result, mended));
        }
        superGlue(results).ifPresent(score -> metrics.put("superglue", score));
        ArrayNode compared = metrics.putArray("comparisons");
        for (EvaluationReport.Comparison comparison : comparisons) {
            for (PairedTest.Comparison score : comparison.scores()) {
                compared.addObject()
                        .put("baseline", comparison.baseline())
                        .put("task", comparison.task())
                        .put("score", score.name())
                        .put("baseline-value", score.baseline())
                        .put("value", score.system())
                        .put("difference", score.difference())
                        .put("low", score.low())
                        .put("high", score.high())
                        .put("chance", score.chance());
            }
        }
        metrics.set("config", Configs.toTree(config));
        try (Writer out = open(METRICS)) {
            out.write(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(metrics));
        }
    }

    private static JsonNode scores(Evaluate.Result result, Map<String, Long> mended) {
        TaskRows rows = result.rows();
        ObjectNode json = JSON.valueToTree(result.evaluation().scores().toJson());
        json.put("task-version", rows.task().version())
                .put("split", rows.source().split().name().toLowerCase(Locale.ROOT))
                .put("data", rows.data())
                .put("answers", result.likelihoods().isEmpty() ? "generated" : "ranked");
        if (!result.likelihoods().isEmpty() && rows.scored()) {
            ObjectNode ranking = json.putObject("ranking");
            RankClassification.scores(result.likelihoods()).forEach(ranking::put);
        }
        if (mended.containsKey(rows.name())) {
            json.put("submission-mended", mended.get(rows.name()));
        }
        return json;
    }

    /** SuperGLUE's score where all of its tasks were scored. */
    private static Optional<Double> superGlue(List<Evaluate.Result> results) {
        List<Scores> scored = results.stream()
                .filter(result -> result.rows().scored())
                .map(result -> result.evaluation().scores())
                .toList();
        boolean all = Tasks.superGlue().stream().allMatch(task -> scored.stream()
                .anyMatch(scores -> scores.task().equals(task.name())));
        return all ? Optional.of(Tasks.superGlueScore(scored)) : Optional.empty();
    }

    private void writeReport(
            SparkSession spark, List<Evaluate.Result> results, List<EvaluationReport.Comparison> comparisons)
            throws IOException {
        List<Sections.Fact> facts = new ArrayList<>(List.of(
                new Sections.Fact("SparkSwitch", Build.version()),
                new Sections.Fact("Java", Runtime.version().toString()),
                new Sections.Fact("Spark", spark.version()),
                new Sections.Fact("Seed", Long.toString(config.seed()))));
        for (Manifest.Input input : folder.inputs()) {
            facts.add(new Sections.Fact(input.name(), input.path() + " (" + input.id() + ")"));
        }
        facts.add(new Sections.Fact("Settings", Configs.toTree(config).toString()));
        List<EvaluationReport.TaskResult> tasks = new ArrayList<>();
        for (Evaluate.Result result : results) {
            tasks.add(new EvaluationReport.TaskResult(result.rows().task(), result.evaluation(), answers(result)));
        }
        String page = new EvaluationReport(
                        config.system(), config.seed(), tasks, superGlue(results), comparisons, facts)
                .page()
                .html();
        try (Writer out = open(REPORT)) {
            out.write(page);
        }
    }

    private String answers(Evaluate.Result result) {
        if (config.predictions().isPresent()) {
            return "read from a file";
        }
        if (result.likelihoods().isEmpty()) {
            return "written by " + config.generation().mode().name().toLowerCase(Locale.ROOT) + " decoding";
        }
        return switch (config.answers()) {
            case GENERATE -> "written";
            case RANK -> "the likeliest label, end token included";
            case RANK_BY_LENGTH -> "the likeliest label a token, end token included";
        };
    }
}
