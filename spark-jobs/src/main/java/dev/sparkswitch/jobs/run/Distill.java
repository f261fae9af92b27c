package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.convert.DenseStudent;
import dev.sparkswitch.convert.ModelTensors;
import dev.sparkswitch.convert.ModelWriter;
import dev.sparkswitch.corpus.OutputFolder;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.TrainingConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Distillation of a Switch model into a dense one (Switch Transformer, section 4.2). */
public final class Distill {
    private static final String SHARDS = "-shards";
    private static final String BASELINE = "-baseline";
    private static final String LABELS = "-labels";
    private static final String INITIAL = "-initial";
    private static final long FILE_BYTES = DataSize.parse("4GiB").bytes();

    private Distill() {}

    /** The data of a distillation, the same for student and baseline. */
    private record Data(String training, String heldOut, TaskSelection selection) {}

    /**
     * Makes the student and trains it, after the one without a teacher where that is asked for; finds what is done.
     *
     * @throws UserException where teacher, student, vocabulary and data do not go together
     */
    public static TrainingRun.Finished run(TrainingRun.SparkSource spark, Configuration hadoop, DistillConfig config) {
        Contradictions found = new Contradictions();
        Optional<TrainedModel> opened =
                found.attempt(() -> TrainedModel.open(hadoop, config.teacher(), config.vocabulary()));
        Optional<T5Config> student = opened.flatMap(teacher -> found.attempt(() -> student(teacher.config(), config)));
        student.ifPresent(model -> TrainingRun.check(model, config.training(), config.cluster(), found));
        opened.ifPresent(teacher -> requireWholeGroups(teacher.config(), config, found));
        if (config.shards().isEmpty()) {
            found.collect(() -> config.data().requireMetric());
        }
        found.collect(() -> requireBaseline(hadoop, config));
        found.collect(() -> RunFolder.requireOurs(hadoop, config.output(), RunFolder.Work.TRAINING));
        found.raiseLines();
        TrainedModel teacher = opened.orElseThrow();
        T5Config model = student.orElseThrow();
        Data data = data(hadoop, config, teacher.vocabulary());
        Optional<String> initial =
                switch (config.initialize()) {
                    case TEACHER -> Optional.of(initial(hadoop, config, teacher, model));
                    case RANDOM -> Optional.empty();
                };
        Optional<String> baseline = baseline(spark, hadoop, config, model, data);
        List<String> compared = new ArrayList<>(List.of(config.teacher()));
        baseline.ifPresent(compared::add);
        TeacherSpec told = new TeacherSpec(
                TrainingRun.qualified(hadoop, config.teacher()),
                teacher.input().id(),
                ParameterSpecs.count(teacher.config()),
                config.softShare(),
                config.temperature(),
                config.labels() == DistillConfig.Labels.STORED
                        ? TrainingRun.qualified(hadoop, config.output() + LABELS)
                        : "",
                Math.min(config.choices(), teacher.config().vocabularySize()));
        return TrainingRun.run(
                spark,
                hadoop,
                new TrainingRun.Task(
                        "distill",
                        config.output(),
                        data.training(),
                        Optional.of(data.heldOut()),
                        initial,
                        model,
                        config.training(),
                        config.cluster(),
                        config.engine(),
                        Configs.toTree(config),
                        List.of(teacher.input()),
                        Optional.of(data.selection()),
                        Optional.of(told),
                        compared,
                        beside(hadoop, config, teacher.config(), model)));
    }

    /** The settings of executors that follow from what a rank needs; empty where that is not known. */
    public static Optional<ExecutorMemory> memory(Configuration hadoop, DistillConfig config) {
        return ExecutorMemory.foreseen(config.engine(), () -> {
            T5Config teacher = TrainedModel.open(hadoop, config.teacher(), config.vocabulary())
                    .config();
            T5Config student = student(teacher, config);
            int inputs = config.inputs();
            int targets = config.targets();
            if (config.shards().isPresent()) {
                ShardLayout layout = TrainingRun.layout(hadoop, config.shards().get() + "/train");
                inputs = layout.inputLength();
                targets = layout.targetLength();
            }
            return ExecutorMemory.of(
                    student,
                    beside(hadoop, config, teacher, student),
                    config.training(),
                    config.cluster(),
                    config.engine(),
                    inputs,
                    targets);
        });
    }

    /**
     * The models that ranks hold beside the student: a teacher that runs beside it stays to the end, when the student without a
     * teacher is measured; one that spoke before comes and goes, as that does.
     */
    private static List<T5Config> beside(
            Configuration hadoop, DistillConfig config, T5Config teacher, T5Config student) {
        Optional<T5Config> other =
                switch (config.baseline()) {
                    case DistillConfig.NO_BASELINE -> Optional.empty();
                    case DistillConfig.TRAINED_BASELINE -> Optional.of(student);
                    default ->
                        Optional.of(TrainedModel.open(hadoop, config.baseline(), config.vocabulary())
                                .config());
                };
        return switch (config.labels()) {
            case ONLINE -> Stream.concat(Stream.of(teacher), other.stream()).toList();
            case STORED ->
                List.of(other.filter(model -> ParameterSpecs.count(model) > ParameterSpecs.count(teacher))
                        .orElse(teacher));
        };
    }

    /** What {@link #run} would train, in words; reads no tensor's values. */
    public static List<String> plan(Configuration hadoop, DistillConfig config) {
        TrainedModel teacher = TrainedModel.open(hadoop, config.teacher(), config.vocabulary());
        T5Config student = student(teacher.config(), config);
        long before = ParameterSpecs.count(teacher.config());
        long after = ParameterSpecs.count(student);
        return List.of(String.format(
                Locale.ROOT,
                "teacher %,d parameters, student %,d: %.1f%% fewer",
                before,
                after,
                100.0 * (before - after) / before));
    }

    /** The teacher reads the student's micro-batches, in whole routing groups of its own. */
    private static void requireWholeGroups(T5Config model, DistillConfig config, Contradictions found) {
        found.attempt(() -> config.training().microRows(config.cluster().ranks(), TrainingRun.groupRows(model)));
    }

    private static T5Config student(T5Config teacher, DistillConfig config) {
        if (teacher.sparse().isEmpty()) {
            throw new UserException("The teacher in " + config.teacher()
                    + " has no experts: give a Switch model, as pretrain or finetune makes with model.sparse.");
        }
        T5Config student = config
                .student()
                .orElseGet(() -> teacher.toBuilder().dense().build())
                .toBuilder()
                .dropout(config.dropout())
                .build();
        if (student.sparse().isPresent()) {
            throw new UserException("The student has experts (student.sparse), but distill makes dense models: leave"
                    + " student.sparse out.");
        }
        if (student.vocabularySize() != teacher.vocabularySize()) {
            throw new UserException("The teacher speaks of " + teacher.vocabularySize()
                    + " ids, but student.vocabulary-size is " + student.vocabularySize()
                    + ": soft targets need the same vocabulary.");
        }
        long before = ParameterSpecs.count(teacher);
        long after = ParameterSpecs.count(student);
        if (after >= before) {
            throw new UserException(String.format(
                    Locale.ROOT,
                    "The student has %,d parameters and the teacher %,d: give a student that is smaller.",
                    after,
                    before));
        }
        return student;
    }

    private static Data data(Configuration hadoop, DistillConfig config, Vocabulary vocabulary) {
        if (config.shards().isPresent()) {
            String shards = config.shards().get();
            // Text without tasks has one score.
            return new Data(
                    shards + "/train",
                    shards + "/heldout",
                    TaskSelection.byLoss(config.selection().with(SelectionConfig.LOSS)));
        }
        TaskShards shards = TaskShards.make(hadoop, new Path(config.output() + SHARDS), config.data(), vocabulary);
        return new Data(
                shards.training().toString(),
                shards.heldOut().toString(),
                shards.selection(hadoop, config.data(), vocabulary));
    }

    /** Writes the student that training begins with, or takes the one that is there; returns its folder. */
    private static String initial(Configuration hadoop, DistillConfig config, TrainedModel teacher, T5Config student) {
        OutputFolder output = OutputFolder.flat(hadoop, new Path(config.output() + INITIAL));
        TrainingConfig training = config.training();
        ObjectNode settings = Configs.toTree(config).retain("student", "dropout");
        settings.put("seed", training.seed());
        settings.put("init-scale", training.initScale()).put("embedding-init", training.embeddingInit());
        List<Manifest.Input> inputs = List.of(teacher.input());
        if (output.finished(Manifest.CHECKPOINT, settings, inputs).isPresent()) {
            return output.folder().toString();
        }
        output.begin();
        try (ModelSource source = TrainingRun.openModel(hadoop, config.teacher())) {
            ModelTensors tensors = DenseStudent.of(
                    ModelTensors.of(source),
                    student,
                    new Initializer(training.seed(), training.initScale(), training.embeddingInit()));
            Manifest.Builder provenance = Manifest.builder(Manifest.CHECKPOINT)
                    .seed(training.seed())
                    .config(settings)
                    .input(inputs.get(0))
                    .property(Vocabulary.HASH, teacher.vocabulary().hash());
            output.commit(new ModelWriter(output.files(), output.folder(), FILE_BYTES).checkpoint(tensors, provenance));
        }
        return output.folder().toString();
    }

    /** Refuses a baseline that cannot be measured, before anything is made. */
    private static void requireBaseline(Configuration hadoop, DistillConfig config) {
        if (!config.baseline().equals(DistillConfig.NO_BASELINE)
                && !config.baseline().equals(DistillConfig.TRAINED_BASELINE)) {
            TrainedModel given = TrainedModel.open(hadoop, config.baseline(), config.vocabulary());
            config.training().microRows(config.cluster().ranks(), TrainingRun.groupRows(given.config()));
        }
    }

    /** The model that the data alone makes of the student from random weights. */
    private static Optional<String> baseline(
            TrainingRun.SparkSource spark, Configuration hadoop, DistillConfig config, T5Config student, Data data) {
        if (config.baseline().equals(DistillConfig.NO_BASELINE)) {
            return Optional.empty();
        }
        if (!config.baseline().equals(DistillConfig.TRAINED_BASELINE)) {
            return Optional.of(config.baseline());
        }
        ObjectNode settings = Configs.toTree(config);
        settings.remove(List.of("soft-share", "temperature", "initialize", "teacher", "baseline", "labels", "choices"));
        return Optional.of(TrainingRun.run(
                        spark,
                        hadoop,
                        new TrainingRun.Task(
                                "distill (without teacher)",
                                config.output() + BASELINE,
                                data.training(),
                                Optional.of(data.heldOut()),
                                Optional.empty(),
                                student,
                                config.training(),
                                config.cluster(),
                                config.engine(),
                                settings,
                                List.of(),
                                Optional.of(data.selection()),
                                Optional.empty(),
                                List.of(),
                                List.of()))
                .folder()
                .toString());
    }
}
