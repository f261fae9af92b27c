package dev.sparkswitch.jobs.run;

import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.Checkpoint;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.convert.DenseStudent;
import dev.sparkswitch.convert.ModelFormat;
import dev.sparkswitch.convert.ModelTensors;
import dev.sparkswitch.convert.ModelWriter;
import dev.sparkswitch.convert.Upcycling;
import dev.sparkswitch.corpus.JobResult;
import dev.sparkswitch.corpus.OutputFolder;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Writes a model again: in another layout or type, with experts or without them. */
public final class Convert {
    private Convert() {}

    /**
     * Converts, or finds that it is done.
     *
     * @throws UserException naming the tensor where one is missing, surplus, of another shape, cut or not finite, and
     *     where the layout cannot express the model
     */
    public static JobResult run(Configuration hadoop, ConvertConfig config) {
        try (ModelSource source = TrainingRun.openModel(hadoop, config.from())) {
            OutputFolder output = OutputFolder.flat(hadoop, new Path(config.output()));
            Optional<Vocabulary> vocabulary =
                    config.vocabulary().map(folder -> TrainedModel.vocabulary(hadoop, source, config.from(), folder));
            List<Manifest.Input> inputs = new ArrayList<>(List.of(input(source, config.from())));
            vocabulary.ifPresent(opened -> inputs.add(opened.asInput()));
            Optional<JobResult> finished = output.finished(kind(config.format()), Configs.toTree(config), inputs);
            if (finished.isPresent()) {
                return finished.get();
            }
            ModelTensors model = converted(source, config);
            requireExpressible(model.config(), config);
            output.begin();
            Manifest.Builder provenance =
                    Manifest.builder(kind(config.format())).seed(config.seed()).config(Configs.toTree(config));
            inputs.forEach(provenance::input);
            copyVocabulary(source, provenance);
            vocabulary.ifPresent(opened -> opened.copyFiles(output).forEach(provenance::file));
            ModelWriter writer = new ModelWriter(
                    output.files(), output.folder(), config.shardSize().bytes());
            return output.commit(
                    switch (config.format()) {
                        case CHECKPOINT -> writer.checkpoint(model, provenance);
                        case HUGGING_FACE ->
                            writer.huggingFace(
                                    model,
                                    config.longestLength(),
                                    provenance.count("parameters", ParameterSpecs.count(model.config())));
                    });
        }
    }

    /** What {@link #run} would write, in words; reads no tensor's values. */
    public static List<String> plan(Configuration hadoop, ConvertConfig config) {
        try (ModelSource source = TrainingRun.openModel(hadoop, config.from())) {
            ModelTensors model = converted(source, config);
            requireExpressible(model.config(), config);
            long bytes = model.tensors().stream()
                    .mapToLong(tensor -> tensor.info().bytes())
                    .sum();
            return List.of(
                    config.from() + ": " + describe(source.config()),
                    config.output() + ": " + describe(model.config())
                            + String.format(Locale.ROOT, ", %,d bytes of %s", bytes, model.type()));
        }
    }

    private static String describe(T5Config config) {
        int experts = config.sparse().map(SwitchConfig::experts).orElse(0);
        return String.format(
                Locale.ROOT,
                "%,d parameters, %s",
                ParameterSpecs.count(config),
                experts == 0 ? "dense" : experts + " experts a sparse layer");
    }

    private static ModelTensors converted(ModelSource source, ConvertConfig config) {
        // Embeddings are never fresh, so their sigma does not matter.
        Initializer initializer = new Initializer(config.seed(), config.initScale(), 1);
        ModelTensors stored = ModelTensors.of(source);
        ModelTensors model = stored;
        if (config.upcycle().isPresent()) {
            model = Upcycling.upcycle(stored, config.upcycle().get(), initializer, config.seed());
        } else if (config.denseStudent()) {
            model = DenseStudent.of(stored, initializer);
        }
        return config.dtype().isPresent() ? model.as(config.dtype().get().stored()) : model;
    }

    /** Refuses before anything is written what the writer would refuse. */
    private static void requireExpressible(T5Config model, ConvertConfig config) {
        if (config.format() == ModelFormat.HUGGING_FACE) {
            HuggingFaceConfig.export(model, config.longestLength());
        }
    }

    private static String kind(ModelFormat format) {
        return switch (format) {
            case CHECKPOINT -> Manifest.CHECKPOINT;
            case HUGGING_FACE -> Manifest.MODEL;
        };
    }

    private static Manifest.Input input(ModelSource source, String from) {
        String id =
                source instanceof Checkpoint checkpoint ? checkpoint.manifest().id() : from;
        return new Manifest.Input("model", from, id);
    }

    /** A model stays tied to the vocabulary that it was trained with. */
    private static void copyVocabulary(ModelSource source, Manifest.Builder provenance) {
        if (source instanceof Checkpoint checkpoint) {
            for (String property : List.of(ShardLayout.VOCABULARY, ShardLayout.VOCABULARY_SIZE)) {
                String value = checkpoint.manifest().properties().get(property);
                if (value != null) {
                    provenance.property(property, value);
                }
            }
        }
    }
}
