package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.corpus.overlap.EvaluationGrams;
import dev.sparkswitch.corpus.overlap.EvaluationSets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** The files of the evaluation sets that a corpus must not hold, by the sets' names. */
final class EvaluationFiles {
    private final Map<String, InputFiles> sets = new TreeMap<>();
    private final DecontaminateConfig config;

    private EvaluationFiles(DecontaminateConfig config) {
        this.config = config;
    }

    /** @throws dev.sparkswitch.base.UserException if a set names no files, or empty ones alone */
    static EvaluationFiles find(Configuration hadoop, DecontaminateConfig config) {
        EvaluationFiles files = new EvaluationFiles(config);
        config.sets()
                .forEach((name, paths) ->
                        files.sets.put(name, InputFiles.find(hadoop, paths, "decontaminate.sets." + name)));
        return files;
    }

    /** How a manifest names them. */
    List<Manifest.Input> asInputs(Configuration hadoop) {
        List<Manifest.Input> inputs = new ArrayList<>();
        sets.forEach((name, files) -> files.asInputs(hadoop)
                .forEach(file -> inputs.add(new Manifest.Input("evaluation set " + name, file.path(), file.id()))));
        return inputs;
    }

    /** What keeps them out: a rule, or none where there are no sets. */
    List<Rule> rules(SparkSession spark) {
        if (sets.isEmpty()) {
            return List.of();
        }
        List<EvaluationSets.Source> sources = new ArrayList<>();
        sets.forEach((name, files) -> sources.add(new EvaluationSets.Source(name, List.of(files.paths()))));
        EvaluationGrams grams = EvaluationSets.read(spark, sources, config.words());
        return List.of(new ContaminationRule(
                JavaSparkContext.fromSparkContext(spark.sparkContext()).broadcast(grams),
                List.copyOf(sets.keySet()),
                config.action()));
    }
}
