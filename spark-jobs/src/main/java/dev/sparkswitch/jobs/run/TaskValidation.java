package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Wording;
import dev.sparkswitch.generate.GenerationConfig;
import dev.sparkswitch.generate.Generator;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.tokenizer.Tokenizer;
import dev.sparkswitch.train.Validation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * Answers validation examples with the model that is being trained, the ranks sharing them out, and scores the answers as
 * {@code evaluate} does. Ranks may share experts, so all of them run equally many batches of equal shapes.
 */
final class TaskValidation implements Validation, AutoCloseable {
    /** Intervals are for reports; here only the scores count. */
    private static final Bootstrap LEAST = new Bootstrap(0, 2, 0.95);

    private final List<Task> tasks;
    private final Map<String, List<Example>> examples;
    private final SelectionConfig settings;
    private final GenerationConfig generation;
    private final Tokenizer tokenizer;
    private final int inputs;
    private final int targets;
    private final int rank;
    private final int ranks;

    /**
     * @param examples by task
     * @param told which tasks, and how they are answered
     * @param tokenizer closed with this
     */
    TaskValidation(Map<String, List<Example>> examples, TaskSelection told, Tokenizer tokenizer, int rank, int ranks) {
        this.examples = examples;
        this.tasks = told.tasks().stream().map(TaskSource::resolved).toList();
        this.settings = told.settings();
        this.generation = settings.generation().orElseGet(() -> GenerationConfig.greedy(told.targets()));
        this.tokenizer = tokenizer;
        this.inputs = told.inputs();
        this.targets = told.targets();
        this.rank = rank;
        this.ranks = ranks;
    }

    @Override
    public Measurement measure(SwitchTransformer model, UnaryOperator<double[]> sumOverRanks) {
        SortedMap<String, Double> scores = new TreeMap<>();
        double sum = 0;
        for (Task task : tasks) {
            List<Example> asked = examples.get(task.name());
            boolean ranked = settings.labels() == SelectionConfig.Labels.RANK
                    && !task.labels().isEmpty();
            List<String> answers =
                    ranked ? likeliest(model, task.labels(), asked, sumOverRanks) : written(model, asked, sumOverRanks);
            Map<String, String> predictions = new HashMap<>();
            for (int i = 0; i < answers.size(); i++) {
                predictions.put(asked.get(i).id(), answers.get(i));
            }
            Scores found = task.evaluate(asked, predictions, Wording.T5, LEAST).scores();
            found.scores().forEach(score -> scores.put(task.name() + "/" + score.name(), score.value()));
            scores.put(task.name(), found.mean());
            sum += found.mean();
        }
        scores.put(SelectionConfig.MEAN, sum / tasks.size());
        Double value = scores.get(settings.metric());
        if (value == null) {
            throw new UserException("There is no score " + settings.metric() + ", only "
                    + String.join(", ", scores.keySet()) + ": correct selection.metric.");
        }
        return new Measurement(value, scores);
    }

    /** An example's place in its task and its input's tokens. */
    private record Question(int place, int[] ids) {}

    /** Handles a batch of this rank; answers of questions that are only there to fill it are not wanted. */
    private interface BatchWork {
        void run(List<Question> batch, int length, boolean wanted);
    }

    private void overBatches(List<Example> all, BatchWork work) {
        List<Question> questions = new ArrayList<>();
        for (Example example : all) {
            questions.add(new Question(questions.size(), TaskShards.encode(tokenizer, example.input(), inputs)));
        }
        questions.sort(Comparator.comparingInt((Question question) -> -question.ids().length));
        int rows = Math.min(settings.rows(), questions.size());
        int batches = (questions.size() + rows - 1) / rows;
        for (int first = 0; first < batches; first += ranks) {
            // The first batch of a round holds its longest question.
            int length = Answerer.bucket(questions.get(first * rows).ids().length);
            int own = first + rank;
            List<Question> batch = new ArrayList<>();
            for (int i = 0; i < rows; i++) {
                batch.add(questions.get(Math.min(Math.min(own, batches - 1) * rows + i, questions.size() - 1)));
            }
            work.run(batch, length, own < batches);
        }
    }

    private List<String> written(SwitchTransformer model, List<Example> all, UnaryOperator<double[]> sumOverRanks) {
        int longest = generation.newTokens();
        // Each answer's tokens plus 1, so that 0 is what a rank has not written.
        double[] tokens = new double[all.size() * longest];
        overBatches(all, (batch, length, wanted) -> {
            long[] ids = batch.stream().mapToLong(Question::place).toArray();
            int[][] answers = Generator.generate(model, inputs(model, batch, 1, length, new int[1][]), ids, generation);
            for (int row = 0; wanted && row < answers.length; row++) {
                for (int i = 0; i < answers[row].length; i++) {
                    tokens[batch.get(row).place() * longest + i] = answers[row][i] + 1;
                }
            }
        });
        double[] shared = sumOverRanks.apply(tokens);
        List<String> texts = new ArrayList<>();
        for (int place = 0; place < all.size(); place++) {
            int[] ids = new int[longest];
            int count = 0;
            while (count < longest && shared[place * longest + count] > 0) {
                ids[count] = (int) shared[place * longest + count] - 1;
                count++;
            }
            texts.add(tokenizer.decode(Arrays.copyOf(ids, count)));
        }
        return texts;
    }

    /** The label with the greatest log-likelihood, of equal ones the first. */
    private List<String> likeliest(
            SwitchTransformer model, List<String> labels, List<Example> all, UnaryOperator<double[]> sumOverRanks) {
        int[][] encoded = labels.stream()
                .map(label -> TaskShards.encode(tokenizer, label, targets))
                .toArray(int[][]::new);
        double[] losses = new double[all.size() * labels.size()];
        overBatches(all, (batch, length, wanted) -> {
            HostBatch host = inputs(model, batch, labels.size(), length, encoded);
            try (Batch uploaded = Batch.upload(model.engine(), host);
                    Tensor tokens = model.tokenLosses(uploaded, Phase.GENERATE)) {
                double[] each = model.download(tokens);
                for (int row = 0; wanted && row < batch.size(); row++) {
                    for (int label = 0; label < labels.size(); label++) {
                        int from = (row * labels.size() + label) * host.targetLength();
                        losses[batch.get(row).place() * labels.size() + label] = Arrays.stream(
                                        each, from, from + host.targetLength())
                                .sum();
                    }
                }
            }
        });
        double[] shared = sumOverRanks.apply(losses);
        List<String> answers = new ArrayList<>();
        for (int place = 0; place < all.size(); place++) {
            int best = 0;
            for (int label = 1; label < labels.size(); label++) {
                if (shared[place * labels.size() + label] < shared[place * labels.size() + best]) {
                    best = label;
                }
            }
            answers.add(labels.get(best));
        }
        return answers;
    }

    /**
     * Rows of a batch, each question {@code copies} times with the targets in turn.
     *
     * @param targetIds what each copy is to write, null for nothing
     */
    private static HostBatch inputs(
            SwitchTransformer model, List<Question> batch, int copies, int length, int[][] targetIds) {
        int rows = batch.size() * copies;
        int longest = 1;
        for (int[] ids : targetIds) {
            longest = Math.max(longest, ids == null ? 1 : ids.length);
        }
        int[][] ids = new int[rows][length];
        int[][] attention = new int[rows][length];
        int[][] labels = new int[rows][longest];
        for (int row = 0; row < rows; row++) {
            int[] own = batch.get(row / copies).ids();
            Arrays.fill(ids[row], model.config().padId());
            System.arraycopy(own, 0, ids[row], 0, own.length);
            Arrays.fill(attention[row], 0, own.length, 1);
            Arrays.fill(labels[row], HostBatch.IGNORED);
            int[] target = targetIds[row % copies];
            if (target != null) {
                System.arraycopy(target, 0, labels[row], 0, target.length);
            }
        }
        return HostBatch.padded(ids, attention, labels, model.config());
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
