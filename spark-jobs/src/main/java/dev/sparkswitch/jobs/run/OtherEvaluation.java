package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.metric.Answer;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.PairedTest;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.ScoredExample;
import dev.sparkswitch.eval.task.Wording;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Another system's finished evaluation, of the same rows.
 *
 * @param name what the report calls it
 * @param wording the form of the references that it was scored by
 * @param predictions by task and example id
 */
record OtherEvaluation(
        String name, Manifest.Input input, Wording wording, Map<String, Map<String, String>> predictions) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Opens all that are to be compared.
     *
     * @throws UserException where one is missing, is no evaluation, or is of other rows
     */
    static List<OtherEvaluation> open(Configuration hadoop, EvaluateConfig config, List<TaskRows> tasks) {
        List<OtherEvaluation> others = new ArrayList<>();
        for (EvaluateConfig.Other other : config.compare()) {
            others.add(open(hadoop, other, tasks));
        }
        return others;
    }

    private static OtherEvaluation open(Configuration hadoop, EvaluateConfig.Other other, List<TaskRows> tasks) {
        Path folder = new Path(other.path());
        try {
            FileSystem files = HadoopFiles.raw(folder.getFileSystem(hadoop));
            Manifest manifest = Manifests.require(files, folder, Evaluate.KIND);
            JsonNode metrics;
            try (InputStream in = files.open(new Path(folder, EvaluationFiles.METRICS))) {
                metrics = JSON.readTree(in);
            }
            tasks.stream().filter(TaskRows::scored).forEach(task -> requireSameRows(folder, metrics, task));
            String name = other.name().isEmpty() ? metrics.path("system").asText() : other.name();
            return new OtherEvaluation(
                    name,
                    manifest.asInput("compared " + name, other.path()),
                    Wording.valueOf(metrics.path("wording").asText("t5").toUpperCase(Locale.ROOT)),
                    EvaluationFiles.predictions(files, folder));
        } catch (IOException e) {
            throw new UserException(
                    "The evaluation " + folder + " cannot be read (" + e.getMessage() + "): correct compare.", e);
        }
    }

    private static void requireSameRows(Path folder, JsonNode metrics, TaskRows task) {
        for (JsonNode there : metrics.path("scores")) {
            if (!there.path("task").asText().equals(task.name())) {
                continue;
            }
            boolean same = there.path("data").asText().equals(task.data())
                    && there.path("task-version").asInt() == task.task().version();
            if (same) {
                return;
            }
            throw new UserException("The evaluation " + folder + " scored other rows of " + task.name() + " ("
                    + there.path("data").asText() + ", not " + task.data()
                    + "), so the two cannot be compared: evaluate both systems on the same file.");
        }
        throw new UserException("The evaluation " + folder + " has no task " + task.name()
                + ", so the two cannot be compared: evaluate it on the same tasks.");
    }

    /** What differs on one task: the other system is the baseline. */
    List<PairedTest.Comparison> compare(EvaluateConfig config, Evaluate.Result result) {
        Map<String, String> own = predictions.getOrDefault(result.rows().name(), Map.of());
        List<Answer> baseline = new ArrayList<>();
        List<Answer> system = new ArrayList<>();
        Map<String, Optional<String>> here = new HashMap<>();
        for (ScoredExample scored : result.evaluation().examples()) {
            here.put(scored.example().id(), scored.prediction());
        }
        for (Example example : result.rows().examples()) {
            baseline.add(example.answer(Optional.ofNullable(own.get(example.id())), wording));
            system.add(example.answer(here.get(example.id()), Evaluate.wording(config)));
        }
        return new PairedTest(Bootstrap.standard(config.seed()))
                .compare(result.rows().task().metric(), baseline, system);
    }
}
