package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.bench.StepBenchmark;
import dev.sparkswitch.jobs.run.EngineSettings;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.OptimizerKind;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The settings of {@code bench step}.
 *
 * @param model a name in {@code conf/models} or a YAML file of a model
 * @param engine on what
 * @param batch rows a step
 * @param inputs input positions a row
 * @param targets target positions a row
 * @param steps steps that count
 * @param warmUp steps before them
 * @param profiled steps after them, whose operations are timed one by one
 * @param optimizer the rule of the updates
 * @param dropout instead of the model's, inside experts and out
 * @param operations lines below each phase
 */
public record BenchStepConfig(
        @Setting(value = "t5-base", help = "name in conf/models, or a YAML file of a model")
        String model,

        @Setting(help = "the engine") EngineSettings engine,
        @Setting(value = "32", help = "rows a step") int batch,

        @Setting(value = "512", help = "input positions a row")
        int inputs,

        @Setting(value = "114", help = "target positions a row")
        int targets,

        @Setting(value = "20", help = "steps that count") int steps,
        @Setting(value = "3", help = "steps before them") int warmUp,

        @Setting(value = "3", help = "steps after them with every operation timed; 0 for no phases")
        int profiled,

        @Setting(value = "adafactor", help = "adafactor or adamw")
        OptimizerKind optimizer,

        @Setting(help = "dropout inside experts and out; the model's own where not given")
        Optional<Double> dropout,

        @Setting(value = "0", help = "how many operations to show below each phase")
        int operations) {

    StepBenchmark.Plan plan() {
        return new StepBenchmark.Plan(batch, inputs, targets, warmUp, steps, profiled, optimizer);
    }

    /**
     * The model that {@link #model} names, with the dropout that is asked for.
     *
     * @throws UserException where there is no such model
     */
    T5Config loadModel(Home home) throws IOException {
        Path file = Path.of(model);
        Home.ConfFile found = Files.isRegularFile(file)
                ? new Home.ConfFile(model, Files.readAllBytes(file))
                : home.conf("models/" + model + ".yaml")
                        .orElseThrow(() -> new UserException("There is no model '" + model
                                + "': name a file of conf/models without its ending, or a YAML file."));
        T5Config config = load(found, List.of());
        if (dropout.isEmpty()) {
            return config;
        }
        return load(
                found,
                config.sparse().isEmpty()
                        ? List.of("dropout=" + dropout.get())
                        : List.of("dropout=" + dropout.get(), "sparse.expert-dropout=" + dropout.get()));
    }

    private static T5Config load(Home.ConfFile file, List<String> overrides) {
        return Configs.load(T5Config.class, new ByteArrayInputStream(file.content()), file.origin(), overrides);
    }
}
