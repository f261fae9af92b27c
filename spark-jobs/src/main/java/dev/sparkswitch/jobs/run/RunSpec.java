package dev.sparkswitch.jobs.run;

import java.io.Serializable;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * What the ranks of a run are told: plain strings, so that it travels to any executor.
 *
 * @param folder the run's folder
 * @param training the shards to train on
 * @param heldOut the shards to measure the loss on, or empty
 * @param initFrom where a fresh run's weights come from, or empty for random ones
 * @param model {@code config.json}
 * @param trainingSettings {@link dev.sparkswitch.train.TrainingConfig} as JSON
 * @param engineSettings {@link EngineSettings} as JSON
 * @param expertParallel see {@link ClusterSettings#expertParallel}
 * @param place where the ranks run
 * @param firstCard see {@link ClusterSettings#firstCard}
 * @param pauseAt when the ranks stop with a checkpoint; null: at no time
 * @param config the whole configuration as JSON, for manifests
 * @param inputs the manifests' inputs: name, path and id of each
 * @param hadoop settings of Hadoop's file systems
 * @param selection {@link TaskSelection} as JSON, or empty where the last model is the result
 * @param teacher {@link TeacherSpec} as JSON, or empty
 * @param compared models that are measured at the end as the run's own are
 * @param beside {@code config.json} of each model that ranks hold together with the one that they train
 */
record RunSpec(
        String folder,
        String training,
        String heldOut,
        String initFrom,
        String model,
        String trainingSettings,
        String engineSettings,
        int expertParallel,
        ClusterSettings.Place place,
        int firstCard,
        Instant pauseAt,
        String config,
        List<List<String>> inputs,
        Map<String, String> hadoop,
        String selection,
        String teacher,
        List<String> compared,
        List<String> beside)
        implements Serializable {

    /** Hadoop's configuration with the settings that Spark was given. */
    Configuration configuration() {
        Configuration configuration = new Configuration();
        hadoop.forEach(configuration::set);
        return configuration;
    }

    static Optional<String> given(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }
}
