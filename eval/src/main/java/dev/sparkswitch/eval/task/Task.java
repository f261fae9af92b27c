package dev.sparkswitch.eval.task;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.metric.Answer;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.Metric;
import dev.sparkswitch.eval.metric.Scores;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * A downstream task: how its official files are read, what the model reads and writes, and how that is scored. The closed
 * set of them stands in {@link Tasks}.
 */
public final class Task {
    /** Turns an official file into examples. */
    interface Layout {
        List<Example> read(Path path, Split split);

        /** Whether a folder without the official file of a split may be another official layout. */
        default boolean takesFolders() {
            return false;
        }

        /** The same, for folders too. */
        static Layout ofFolders(Layout layout) {
            return new Layout() {
                @Override
                public List<Example> read(Path path, Split split) {
                    return layout.read(path, split);
                }

                @Override
                public boolean takesFolders() {
                    return true;
                }
            };
        }
    }

    /** The scores of a task and what each example contributed. */
    public record Evaluation(Scores scores, List<ScoredExample> examples) {
        public Evaluation {
            examples = List.copyOf(examples);
        }
    }

    private final String name;
    private final int version;
    private final Map<Split, String> files;
    private final String origin;
    private final List<String> labels;
    private final Metric metric;
    private final Layout layout;

    /**
     * @param version changes whenever the text format or the scoring does
     * @param files the official file of each split, relative to the task's folder
     * @param origin where the files come from, for the error when they are missing
     * @param labels the closed set of answers, empty for free text
     */
    Task(
            String name,
            int version,
            Map<Split, String> files,
            String origin,
            List<String> labels,
            Metric metric,
            Layout layout) {
        this.name = name;
        this.version = version;
        this.files = Map.copyOf(files);
        this.origin = origin;
        this.labels = List.copyOf(labels);
        this.metric = metric;
        this.layout = layout;
    }

    /** The name in configurations and reports, such as {@code boolq}. */
    public String name() {
        return name;
    }

    /** The version of format and scoring; scores of different versions are not compared. */
    public int version() {
        return version;
    }

    /** Where the official files come from. */
    public String origin() {
        return origin;
    }

    /** The closed set of answers, empty for free text. */
    public List<String> labels() {
        return labels;
    }

    /** The task's metric. */
    public Metric metric() {
        return metric;
    }

    /**
     * Reads a file, or the official file of {@code split} in a folder.
     *
     * @return the examples in file order
     * @throws UserException if the file is missing (naming where to get it), empty or not in the official layout
     */
    public List<Example> read(Path path, Split split) {
        Path file = path;
        String official = files.getOrDefault(split, "");
        if (Files.isDirectory(path) && !official.isEmpty() && Files.exists(path.resolve(official))) {
            file = path.resolve(official);
        } else if (Files.isDirectory(path) && !layout.takesFolders()) {
            throw missing(path.resolve(official));
        }
        if (!Files.exists(file)) {
            throw missing(file);
        }
        List<Example> examples = layout.read(file, split);
        if (examples.isEmpty()) {
            throw new UserException(file + ": no rows for task " + name + "; get the file from " + origin);
        }
        requireReferences(file, examples);
        return examples;
    }

    /** An empty reference cannot be met, and what equals it is nothing. */
    private void requireReferences(Path file, List<Example> examples) {
        List<Example> empty = examples.stream()
                .filter(example -> example.originals().stream().anyMatch(String::isBlank))
                .toList();
        if (!empty.isEmpty()) {
            throw new UserException(file + ": " + empty.size() + " of " + examples.size()
                    + " rows have an empty reference (the first is \""
                    + empty.get(0).id()
                    + "\"); give each row its reference, or take the rows out");
        }
    }

    private UserException missing(Path file) {
        return new UserException(
                file + ": no such file for task " + name + "; get it from " + origin + " and name its path or folder");
    }

    /**
     * Scores predictions.
     *
     * @param predictions by example id; examples without one score as wrong and are counted
     * @throws UserException if an example has no gold label or shares its id with another, or a prediction is for no example
     */
    public Evaluation evaluate(
            List<Example> examples, Map<String, String> predictions, Wording wording, Bootstrap bootstrap) {
        Set<String> ids = requireScorable(examples);
        List<Answer> answers = new ArrayList<>(examples.size());
        List<ScoredExample> scored = new ArrayList<>(examples.size());
        for (Example example : examples) {
            Answer answer = example.answer(Optional.ofNullable(predictions.get(example.id())), wording);
            answers.add(answer);
            scored.add(new ScoredExample(example, answer.prediction(), metric.valid(answer), metric.example(answer)));
        }
        refuseUnknown(predictions, ids);
        return new Evaluation(Scores.of(name, metric, answers, bootstrap), scored);
    }

    /**
     * What answers to examples without gold ones are worth: nothing is known, so there are no scores.
     *
     * @param predictions by example id
     */
    public Evaluation unscored(List<Example> examples, Map<String, String> predictions, Bootstrap bootstrap) {
        List<ScoredExample> answered = new ArrayList<>(examples.size());
        long missing = 0;
        long invalid = 0;
        for (Example example : examples) {
            Answer answer = example.answer(Optional.ofNullable(predictions.get(example.id())), Wording.T5);
            boolean valid = metric.valid(answer);
            missing += answer.prediction().isEmpty() ? 1 : 0;
            invalid += answer.prediction().isPresent() && !valid ? 1 : 0;
            answered.add(new ScoredExample(example, answer.prediction(), valid, new TreeMap<>()));
        }
        return new Evaluation(
                new Scores(name, "", examples.size(), 0, missing, invalid, bootstrap.level(), List.of()), answered);
    }

    /**
     * Refuses examples that {@link #evaluate} cannot score, so that nobody answers them first.
     *
     * @return their ids
     * @throws UserException if an example has no gold label or shares its id with another
     */
    public Set<String> requireScorable(List<Example> examples) {
        List<Example> bare =
                examples.stream().filter(example -> !example.hasGold()).toList();
        if (!bare.isEmpty()) {
            throw new UserException(
                    "task " + name + ": example \"" + bare.get(0).id() + "\" (one of " + bare.size()
                            + " such) has no gold answer; score a split with answers, such as the validation split, or say that"
                            + " there are none (gold: absent)");
        }
        return requireDistinct(examples);
    }

    /**
     * Refuses examples that share an id.
     *
     * @return their ids
     */
    public Set<String> requireDistinct(List<Example> examples) {
        Set<String> ids = new HashSet<>();
        List<String> doubled = new ArrayList<>();
        for (Example example : examples) {
            if (!ids.add(example.id())) {
                doubled.add(example.id());
            }
        }
        if (!doubled.isEmpty()) {
            throw new UserException("task " + name + ": two examples have the id \"" + doubled.get(0) + "\" ("
                    + doubled.size() + " ids are doubled); read one split, as it was downloaded");
        }
        return ids;
    }

    /**
     * Refuses predictions for other rows than these.
     *
     * @throws UserException naming how many there are and the first
     */
    public void requireKnown(List<Example> examples, Map<String, String> predictions) {
        Set<String> ids = new HashSet<>();
        examples.forEach(example -> ids.add(example.id()));
        refuseUnknown(predictions, ids);
    }

    private void refuseUnknown(Map<String, String> predictions, Set<String> ids) {
        List<String> unknown = predictions.keySet().stream()
                .filter(id -> !ids.contains(id))
                .sorted()
                .toList();
        if (!unknown.isEmpty()) {
            throw new UserException("task " + name + ": " + unknown.size() + " predictions are for no example of the "
                    + ids.size() + " (the first is \"" + unknown.get(0) + "\"); give predictions of the same split");
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
