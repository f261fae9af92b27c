package dev.sparkswitch.jobs.study;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.model.Contradictions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The settings of a study.
 *
 * @param output the folder of the study; each run has its own in it
 * @param command the command that every run is one of
 * @param base settings of that command that all variants share, but for its output
 * @param variants names of variants, each with the settings in which it differs from the base
 * @param baseline the variant that the others are compared with
 * @param steps a run's steps
 * @param time a run's time in training steps
 * @param seeds a run of every variant each
 * @param sideBySide runs at a time
 * @param threshold a held-out loss; the page says when each variant reaches it
 * @param timeLimit the time after which the command stops, to go on when it is run again
 */
public record StudyConfig(
        @Setting(help = "folder of the study; every run has a folder in it")
        String output,

        @Setting(value = "pretrain", help = "what the runs are: pretrain or finetune")
        Command command,

        @Setting(help = "settings of that command that all variants share")
        JsonNode base,

        @Setting(help = "names of variants, each with its settings over the shared ones")
        Map<String, JsonNode> variants,

        @Setting(help = "variant that the others are compared with; by default the first")
        Optional<String> baseline,

        @Setting(help = "steps of every run; by default those of the settings")
        Optional<Integer> steps,

        @Setting(help = "time of every run in training steps, such as 5m, should it have steps left")
        Optional<Duration> time,

        @Setting(value = "[0]", help = "seeds; every variant is trained once with each")
        List<Long> seeds,

        @Setting(value = "1", help = "runs at a time, each on its own executors or, in this process, its own cards")
        int sideBySide,

        @Setting(help = "held-out loss whose time is told; by default the baseline's best")
        Optional<Double> threshold,

        @Setting(help = "stop after this time, such as 9m, runs at a checkpoint; the same command goes on from there")
        Optional<Duration> timeLimit) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

    /** The commands that a study can be made of. */
    public enum Command {
        PRETRAIN,
        FINETUNE
    }

    public StudyConfig {
        Contradictions.none(found -> {
            found.check(!variants.isEmpty(), "variants must name at least one variant")
                    .check(base.isObject(), "base must be a section of the command's settings")
                    .check(!seeds.isEmpty(), "seeds must name at least one seed")
                    .check(seeds.stream().distinct().count() == seeds.size(), "seeds " + seeds + " name one twice")
                    .atLeast(1, "side-by-side", sideBySide);
            variants.forEach((name, settings) -> found.check(
                            NAME.matcher(name).matches(),
                            "the variant '" + name
                                    + "' names a folder: it takes letters, digits, points, dashes and underscores")
                    .check(
                            settings.isObject() || settings.isNull(),
                            "the variant " + name + " must be a section of settings, {} for none"));
            baseline.ifPresent(name -> found.check(
                    variants.containsKey(name),
                    "the baseline '" + name + "' is none of the variants " + variants.keySet()));
        });
    }

    /** The variant that the others are compared with. */
    String comparedWith() {
        return baseline.orElseGet(() -> variants.keySet().iterator().next());
    }
}
