package dev.sparkswitch.jobs.run;

import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
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
            SwitchTransformer model = new SwitchTransformer(
                    engine,
                    source.config(),
                    new Parallelism(
                            placement(source.config(), Math.min(spec.expertParallel(), worldSize), worldSize),
                            collectives));
            ModelWeights.load(model, source.parameters());
            return new LoadedModel(model);
        }
    }

    /** Where the experts of such a model lie beside one whose experts are spread over {@code expertParallel} ranks. */
    static ExpertPlacement placement(T5Config model, int expertParallel, int worldSize) {
        boolean divides = model.sparse()
                .map(sparse -> sparse.expertCounts().stream().allMatch(experts -> experts % expertParallel == 0))
                .orElse(true);
        return ExpertPlacement.of(model, divides ? expertParallel : 1, worldSize);
    }

    @Override
    public void close() {
        model.close();
    }
}
