package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.corpus.Failures;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.eval.metric.RankClassification;
import dev.sparkswitch.eval.task.Example;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;

/** Answers the rows of tasks over all executors, in parts that are kept as soon as they are done. */
final class TaskAnswers {
    /** The folder of the parts, below the evaluation's. */
    static final String FOLDER = "answers";

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A task's answers.
     *
     * @param predictions by example id
     * @param likelihoods of each label where they were ranked, in the order of the examples; else none
     */
    record Answered(Map<String, String> predictions, List<RankClassification.Ranked> likelihoods) {}

    /**
     * Questions that are answered and kept together.
     *
     * @param labels what is ranked; none where answers are written
     */
    private record Part(long index, ArrayList<Answerer.Question> questions, ArrayList<String> labels)
            implements Serializable {}

    private TaskAnswers() {}

    /**
     * Answers.
     *
     * @return one entry a task
     */
    static List<Answered> of(
            SparkSession spark, Path folder, EvaluateConfig config, Vocabulary vocabulary, List<TaskRows> tasks) {
        Map<String, String> hadoop = TrainingRun.hadoopSettings(spark);
        Answerer.Settings settings = new Answerer.Settings(
                TrainingRun.qualified(spark.sparkContext().hadoopConfiguration(), config.from()),
                vocabulary.model(),
                Configs.toTree(config.engine()).toString(),
                Configs.toTree(config.generation()).toString(),
                config.inputs(),
                GenerateConfig.TooLong.CUT,
                config.rows(),
                hadoop);
        AnswerParts kept = new AnswerParts(new Path(folder, FOLDER).toString(), hadoop);
        List<Part> parts = parts(config, tasks);
        int rows = tasks.stream().mapToInt(task -> task.examples().size()).sum();
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        LongAccumulator done = spark.sparkContext().longAccumulator("examples with answers");
        try (Progress progress = Progress.start("evaluate", "examples", rows)) {
            RowProgress watch = new RowProgress(progress, done.id());
            spark.sparkContext().addSparkListener(watch);
            try {
                context.parallelize(parts, Math.max(1, Math.min(context.defaultParallelism(), parts.size())))
                        .mapPartitions(new Work(settings, kept, config.answers(), done))
                        .collect();
                progress.at(rows);
            } catch (RuntimeException e) {
                throw Failures.explained(e, "the tasks");
            } finally {
                spark.sparkContext().removeSparkListener(watch);
            }
        }
        return collected(config, tasks, parts, kept);
    }

    private static List<Part> parts(EvaluateConfig config, List<TaskRows> tasks) {
        List<Part> parts = new ArrayList<>();
        long number = 0;
        for (TaskRows task : tasks) {
            List<Example> examples = task.examples();
            for (int from = 0; from < examples.size(); from += config.partRows()) {
                ArrayList<Answerer.Question> questions = new ArrayList<>();
                for (Example example : examples.subList(from, Math.min(examples.size(), from + config.partRows()))) {
                    questions.add(new Answerer.Question(number++, example.input()));
                }
                parts.add(new Part(parts.size(), questions, new ArrayList<>(labels(config, task))));
            }
        }
        return parts;
    }

    private static List<String> labels(EvaluateConfig config, TaskRows task) {
        return switch (config.answers()) {
            case GENERATE -> List.of();
            case RANK, RANK_BY_LENGTH -> task.task().labels();
        };
    }

    private static List<Answered> collected(
            EvaluateConfig config, List<TaskRows> tasks, List<Part> parts, AnswerParts kept) {
        List<Answered> all = new ArrayList<>();
        int next = 0;
        for (TaskRows task : tasks) {
            List<String> answers = new ArrayList<>();
            while (answers.size() < task.examples().size()) {
                Part part = parts.get(next++);
                String[] texts = kept.read(part.index(), part.questions().size())
                        .orElseThrow(() -> new InternalException("part " + part.index() + " was not written", null));
                answers.addAll(List.of(texts));
            }
            all.add(answered(task, labels(config, task), answers));
        }
        return all;
    }

    private static Answered answered(TaskRows task, List<String> labels, List<String> answers) {
        Map<String, String> predictions = new HashMap<>();
        List<RankClassification.Ranked> ranked = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            Example example = task.examples().get(i);
            if (labels.isEmpty()) {
                predictions.put(example.id(), answers.get(i));
                continue;
            }
            List<Double> likelihoods = new ArrayList<>();
            for (double value : likelihoods(answers.get(i))) {
                likelihoods.add(value);
            }
            RankClassification.Ranked one =
                    new RankClassification.Ranked(likelihoods, Math.max(0, labels.indexOf(example.label())));
            predictions.put(example.id(), labels.get(one.answer()));
            ranked.add(one);
        }
        return new Answered(predictions, ranked);
    }

    private static double[] likelihoods(String json) {
        try {
            return JSON.readValue(json, double[].class);
        } catch (JsonProcessingException e) {
            throw new InternalException("likelihoods that a task wrote cannot be read: " + json, e);
        }
    }

    /** Answers the parts of one Spark partition that are not answered yet; the model is loaded at the first. */
    private static final class Work implements FlatMapFunction<Iterator<Part>, Long> {
        private static final long serialVersionUID = 1L;

        private final Answerer.Settings settings;
        private final AnswerParts kept;
        private final EvaluateConfig.Answers answers;
        private final LongAccumulator done;

        Work(Answerer.Settings settings, AnswerParts kept, EvaluateConfig.Answers answers, LongAccumulator done) {
            this.settings = settings;
            this.kept = kept;
            this.answers = answers;
            this.done = done;
        }

        @Override
        public Iterator<Long> call(Iterator<Part> parts) {
            Answerer answerer = null;
            try {
                while (parts.hasNext()) {
                    Part part = parts.next();
                    int size = part.questions().size();
                    if (kept.read(part.index(), size).isPresent()) {
                        done.add(size);
                        continue;
                    }
                    if (answerer == null) {
                        answerer = new Answerer(settings);
                    }
                    kept.write(part.index(), answer(answerer, part));
                }
            } finally {
                if (answerer != null) {
                    answerer.close();
                }
            }
            return List.<Long>of().iterator();
        }

        private String[] answer(Answerer answerer, Part part) {
            if (part.labels().isEmpty()) {
                return answerer.answer(part.questions(), done::add);
            }
            double[][] likelihoods = answerer.likelihoods(
                    part.questions(),
                    part.labels(),
                    answers == EvaluateConfig.Answers.RANK_BY_LENGTH
                            ? LabelRanker.Length.DIVIDED
                            : LabelRanker.Length.WHOLE);
            String[] texts = new String[likelihoods.length];
            for (int i = 0; i < texts.length; i++) {
                texts[i] = JSON.valueToTree(likelihoods[i]).toString();
            }
            done.add(texts.length);
            return texts;
        }
    }
}
