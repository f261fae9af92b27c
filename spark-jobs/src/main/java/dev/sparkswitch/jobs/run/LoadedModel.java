package dev.sparkswitch.jobs.run;

import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import org.apache.hadoop.conf.Configuration;

/**
 * A stored model on an engine beside the one that is trained: a teacher, or one to compare with. Its experts are spread over the
 * ranks where their number allows, else every rank holds them all.
 */
record LoadedModel(SwitchTransformer model) implements AutoCloseable {
    /** Loads this rank's part. */
    static LoadedModel open(
            Configuration hadoop, String folder, Engine engine, int worldSize, RunSpec spec, Collectives collectives) {
        try (ModelSource source = TrainingRun.openModel(hadoop, folder)) {
            int wanted = Math.min(spec.expertParallel(), worldSize);
            int experts = source.config().sparse().map(SwitchConfig::experts).orElse(wanted);
            int spread = experts % wanted == 0 ? wanted : 1;
            SwitchTransformer model = new SwitchTransformer(
                    engine,
                    source.config(),
                    new Parallelism(new ExpertPlacement(experts, spread, worldSize), collectives));
            ModelWeights.load(model, source.parameters());
            return new LoadedModel(model);
        }
    }

    @Override
    public void close() {
        model.close();
    }
}
