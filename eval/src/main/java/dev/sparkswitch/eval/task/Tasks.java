package dev.sparkswitch.eval.task;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.metric.BleuMetric;
import dev.sparkswitch.eval.metric.ChrfMetric;
import dev.sparkswitch.eval.metric.CombinedMetric;
import dev.sparkswitch.eval.metric.LabelMetric;
import dev.sparkswitch.eval.metric.LabelMetric.Averages;
import dev.sparkswitch.eval.metric.MultiRcMetric;
import dev.sparkswitch.eval.metric.RougeMetric;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.metric.SquadMetric;
import dev.sparkswitch.eval.metric.WscMetric;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The tasks that SparkSwitch knows: SQuAD v1.1, XSum, CNN/DailyMail, the eight of SuperGLUE, and translation between any two
 * languages. Others are a {@link FreeText}.
 */
public final class Tasks {
    static final String XSUM_ORIGIN = "https://github.com/EdinburghNLP/XSum";
    private static final String SUPERGLUE = "https://dl.fbaipublicfiles.com/glue/superglue/data/v2/";
    private static final Map<Split, String> SUPERGLUE_FILES =
            Map.of(Split.TRAIN, "train.jsonl", Split.VALIDATION, "val.jsonl", Split.TEST, "test.jsonl");

    private static final Map<String, Task> ALL = new TreeMap<>();

    static {
        labels("boolq", "BoolQ", SuperGlue.BOOLEAN, Averages.ACCURACY, "passage", "question");
        labels("cb", "CB", SuperGlue.CB, Averages.ACCURACY_AND_MACRO_F1, "hypothesis", "premise");
        labels("copa", "COPA", SuperGlue.COPA, Averages.ACCURACY, "choice1", "choice2", "premise", "question");
        labels("rte", "RTE", SuperGlue.RTE, Averages.ACCURACY, "hypothesis", "premise");
        labels("wic", "WiC", SuperGlue.BOOLEAN, Averages.ACCURACY, "sentence1", "sentence2", "word");
        add(new Task(
                "multirc",
                1,
                SUPERGLUE_FILES,
                SUPERGLUE + "MultiRC.zip",
                SuperGlue.BOOLEAN,
                new MultiRcMetric(),
                SuperGlue::multiRc));
        add(new Task(
                "record",
                1,
                SUPERGLUE_FILES,
                SUPERGLUE + "ReCoRD.zip",
                List.of(),
                new SquadMetric(),
                SuperGlue::record));
        add(new Task("wsc", 1, SUPERGLUE_FILES, SUPERGLUE + "WSC.zip", List.of(), new WscMetric(), SuperGlue::wsc));
        // SQuAD's test set is not public; its development set is what papers report.
        add(new Task(
                "squad",
                1,
                Map.of(Split.TRAIN, "train-v1.1.json", Split.VALIDATION, "dev-v1.1.json", Split.TEST, "dev-v1.1.json"),
                "https://rajpurkar.github.io/SQuAD-explorer/dataset/",
                List.of(),
                new SquadMetric(),
                Squad::read));
        add(new Task(
                "xsum",
                1,
                Map.of(Split.TRAIN, "train.jsonl", Split.VALIDATION, "validation.jsonl", Split.TEST, "test.jsonl"),
                XSUM_ORIGIN,
                List.of(),
                RougeMetric.t5(),
                Task.Layout.ofFolders(Xsum::read)));
        add(new Task(
                "cnn-dailymail",
                1,
                Map.of(Split.TRAIN, "train.jsonl", Split.VALIDATION, "validation.jsonl", Split.TEST, "test.jsonl"),
                CnnDailymail.ORIGIN,
                List.of(),
                RougeMetric.t5(),
                Task.Layout.ofFolders(CnnDailymail::read)));
    }

    private Tasks() {}

    private static void labels(String name, String folder, List<String> labels, Averages averages, String... keys) {
        add(new Task(
                name,
                1,
                SUPERGLUE_FILES,
                SUPERGLUE + folder + ".zip",
                labels,
                new LabelMetric(labels, averages),
                SuperGlue.flat(name, labels, keys)));
    }

    private static void add(Task task) {
        ALL.put(task.name(), task);
    }

    private static Task translation(String name, Translation languages) {
        // A score of 13a is what papers compare; chrF does not depend on a tokenizer.
        CombinedMetric metric = new CombinedMetric(List.of(BleuMetric.standard(), ChrfMetric.standard()));
        return new Task(name, 1, Map.of(), Translation.ORIGIN, List.of(), metric, languages);
    }

    /** All tasks that have a name of their own, by name. */
    public static Collection<Task> all() {
        return List.copyOf(ALL.values());
    }

    /**
     * The task called {@code name}.
     *
     * @throws UserException if there is none, listing those that there are
     */
    public static Task named(String name) {
        Task task = ALL.get(name);
        if (task != null) {
            return task;
        }
        return Translation.named(name)
                .map(languages -> translation(name, languages))
                .orElseThrow(
                        () -> new UserException(
                                "there is no task \"" + name + "\"; the tasks are " + String.join(", ", ALL.keySet())
                                        + ", translate-english-to-german (any two languages), and text with a form of your own"));
    }

    /** The eight tasks of SuperGLUE. */
    public static List<Task> superGlue() {
        return List.of("boolq", "cb", "copa", "multirc", "record", "rte", "wic", "wsc").stream()
                .map(Tasks::named)
                .toList();
    }

    /**
     * SuperGLUE's overall score: the mean over its eight tasks, the scores of a task averaged first.
     *
     * @param scores one entry a task, in any order
     * @throws UserException if a task is missing, since a mean over fewer is no SuperGLUE score
     */
    public static double superGlueScore(Collection<Scores> scores) {
        double sum = 0;
        for (Task task : superGlue()) {
            sum += scores.stream()
                    .filter(score -> score.task().equals(task.name()))
                    .findFirst()
                    .orElseThrow(() -> new UserException("the SuperGLUE score needs all eight tasks and \""
                            + task.name() + "\" is missing; evaluate it too"))
                    .mean();
        }
        return sum / superGlue().size();
    }
}
