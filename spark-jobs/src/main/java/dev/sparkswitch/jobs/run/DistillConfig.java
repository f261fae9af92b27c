package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.corpus.Mixture;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.TrainingConfig;
import java.util.List;
import java.util.Optional;

/**
 * The settings of a distillation.
 *
 * @param teacher a Switch model: a run, a checkpoint or a Hugging Face folder
 * @param vocabulary the folder of the vocabulary that the teacher was trained with
 * @param shards the data, as {@code batch} made it; or else {@code tasks}
 * @param tasks the data, as {@code finetune} takes it; or else {@code shards}
 * @param mixture how often each task is drawn from
 * @param output the folder of the run
 * @param inputs tokens of an input row of tasks
 * @param targets tokens of a target row of tasks
 * @param heldOut the share of the tasks' training examples on which the loss is measured
 * @param student what is trained; the teacher without its experts where nothing is said
 * @param initialize what the student begins with
 * @param dropout the student's
 * @param softShare alpha: how much of the loss is the teacher's
 * @param temperature at which the teacher speaks
 * @param labels whether the teacher runs beside the student
 * @param choices likeliest tokens of a position that are kept, where labels are stored
 * @param baseline the student without a teacher: {@code none}, {@code train}, or a model's folder
 * @param selection how the best of the run's models is found
 * @param training how
 * @param cluster where
 * @param engine on what
 */
public record DistillConfig(
        @Setting(help = "Switch model to learn from: a run, a checkpoint or a Hugging Face folder")
        String teacher,

        @Setting(help = "folder of the teacher's vocabulary")
        String vocabulary,

        @Setting(help = "the data: folder of the shards, as batch made it; or give tasks")
        Optional<String> shards,

        @Setting(value = "[]", help = "the data: tasks, as finetune takes them; or give shards")
        List<TaskSource> tasks,

        @Setting(value = "{rates: proportional}", help = "how often each task is drawn from")
        Mixture mixture,

        @Setting(help = "folder of the run") String output,

        @Setting(value = "512", help = "tasks: tokens of an input row; longer inputs are cut")
        int inputs,

        @Setting(value = "128", help = "tasks: tokens of a target row; longer targets are cut")
        int targets,

        @Setting(value = "0.02", help = "tasks: share of the examples on which the loss is measured")
        double heldOut,

        @Setting(help = "the student; by default the teacher with one dense layer in the place of its experts")
        Optional<T5Config> student,

        @Setting(value = "teacher", help = "what the student begins with: teacher (its non-expert weights) or random")
        Initialize initialize,

        @Setting(value = "0.1", help = "the student's dropout")
        double dropout,

        @Setting(value = "0.25", help = "how much of the loss is the teacher's soft targets; the data's have the rest")
        double softShare,

        @Setting(value = "1.0", help = "temperature of the soft targets")
        double temperature,

        @Setting(
                value = "online",
                help = "soft targets: online (the teacher runs beside the student), or stored (said once before)")
        Labels labels,

        @Setting(value = "32", help = "stored labels: likeliest tokens of a position that are kept")
        int choices,

        @Setting(
                value = "none",
                help = "the student without a teacher, to compare with: none, train, or a model's folder")
        String baseline,

        @Setting(value = "{}", help = "how the best model is found")
        SelectionConfig selection,

        @Setting(help = "the training") TrainingConfig training,
        @Setting(help = "the ranks") ClusterSettings cluster,
        @Setting(help = "the engine") EngineSettings engine) {
    /** No student without a teacher is looked at. */
    static final String NO_BASELINE = "none";
    /** The same student is trained without a teacher first. */
    static final String TRAINED_BASELINE = "train";

    /** Where a student's first weights come from. */
    public enum Initialize {
        /** The teacher's weights but for its experts and routers (Switch Transformer, section 4.2). */
        TEACHER,
        RANDOM
    }

    /** When the teacher speaks. */
    public enum Labels {
        /** In every step, of the whole vocabulary. */
        ONLINE,
        /** Once of every row before training, of its likeliest tokens: it takes no memory and no time afterwards. */
        STORED
    }

    public DistillConfig {
        Contradictions.none(found -> found.check(
                        shards.isPresent() == tasks.isEmpty(),
                        shards.isPresent()
                                ? "shards and tasks are both given: choose one of them as the data"
                                : "the data is missing: give shards, or tasks")
                .atLeast(2, "inputs", inputs)
                .atLeast(2, "targets", targets)
                .check(heldOut > 0 && heldOut < 1, "held-out " + heldOut + " must lie in (0, 1)")
                .fraction("dropout", dropout)
                .check(
                        softShare > 0 && softShare <= 1,
                        "soft-share " + softShare + " must lie in (0, 1]; without a teacher's part, run finetune")
                .positive("temperature", temperature)
                .atLeast(1, "choices", choices));
    }

    /** What of the tasks is used. */
    TaskData data() {
        return new TaskData(
                tasks,
                mixture,
                inputs,
                targets,
                heldOut,
                training.seed(),
                (long) training.steps() * training.rows(),
                selection);
    }
}
