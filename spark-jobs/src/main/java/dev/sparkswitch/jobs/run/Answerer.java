package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.generate.GenerationConfig;
import dev.sparkswitch.generate.Generator;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.apache.hadoop.conf.Configuration;

/** A model in a Spark task that turns texts to texts. Sorts by length so that batches waste little padding. */
final class Answerer implements AutoCloseable {
    /**
     * What and how, in a form that Spark can send.
     *
     * @param model the full path of a run, a checkpoint or a Hugging Face folder
     * @param vocabulary a SentencePiece model file
     * @param engine the tree of {@link EngineSettings}, as JSON
     * @param generation the tree of {@link GenerationConfig}, as JSON
     * @param inputs tokens of a text that are read, its end included
     * @param tooLong what happens to longer ones
     * @param rows texts that are answered together
     * @param hadoop settings of Hadoop's file systems
     */
    record Settings(
            String model,
            byte[] vocabulary,
            String engine,
            String generation,
            int inputs,
            GenerateConfig.TooLong tooLong,
            int rows,
            Map<String, String> hadoop)
            implements Serializable {}

    /** A text to answer and its number in the whole, which sampling is keyed by. */
    record Question(long id, String text) implements Serializable {}

    private record Tokens(int place, long id, int[] ids) {}

    private final Settings settings;
    private final GenerationConfig generation;
    private final Tokenizer tokenizer;
    private final Engine engine;
    private final SwitchTransformer model;

    /** Loads the model. */
    Answerer(Settings settings) {
        this.settings = settings;
        this.generation = config(GenerationConfig.class, settings.generation());
        Configuration hadoop = new Configuration();
        settings.hadoop().forEach(hadoop::set);
        this.tokenizer = new Tokenizer(settings.vocabulary());
        this.engine = config(EngineSettings.class, settings.engine()).open(TaskResources.ofTask());
        try (ModelSource source = TrainingRun.openModel(hadoop, settings.model())) {
            this.model = new SwitchTransformer(
                    engine,
                    source.config(),
                    new Parallelism(ExpertPlacement.of(source.config(), 1, 1), new SingleRank()));
            ModelWeights.load(model, source.parameters());
        }
    }

    private static <R extends Record> R config(Class<R> type, String tree) {
        try {
            return Configs.load(type, new ObjectMapper().readTree(tree), List.of());
        } catch (JsonProcessingException e) {
            throw new InternalException("settings that the driver wrote cannot be read: " + tree, e);
        }
    }

    /**
     * Answers texts.
     *
     * @param done told after each batch how many texts it had
     * @return the answers in the order of the questions
     * @throws UserException where a text is longer than it may be
     */
    String[] answer(List<Question> questions, IntConsumer done) {
        List<Tokens> pending = new ArrayList<>();
        for (Question question : questions) {
            pending.add(new Tokens(pending.size(), question.id(), tokens(tokenizer, settings, question)));
        }
        pending.sort((a, b) -> Integer.compare(b.ids().length, a.ids().length));
        String[] answers = new String[pending.size()];
        for (int from = 0; from < pending.size(); from += settings.rows()) {
            List<Tokens> batch = pending.subList(from, Math.min(pending.size(), from + settings.rows()));
            answer(batch, answers);
            done.accept(batch.size());
        }
        return answers;
    }

    /**
     * How likely each label is as the answer to each text.
     *
     * @return [questions][labels] log-likelihoods, nats
     */
    double[][] likelihoods(List<Question> questions, List<String> labels, LabelRanker.Length length) {
        int[][] inputs = new int[questions.size()][];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = tokens(tokenizer, settings, questions.get(i));
        }
        int[][] targets = new int[labels.size()][];
        for (int i = 0; i < targets.length; i++) {
            targets[i] = TaskShards.encode(tokenizer, labels.get(i), Integer.MAX_VALUE);
        }
        return new LabelRanker(model, settings.rows()).likelihoods(inputs, targets, length);
    }

    /**
     * The tokens of a text with the end.
     *
     * @throws UserException where it is longer than it may be
     */
    static int[] tokens(Tokenizer tokenizer, Settings settings, Question question) {
        return switch (settings.tooLong()) {
            case CUT -> TaskShards.encode(tokenizer, question.text(), settings.inputs());
            case ERROR -> {
                int[] ids = TaskShards.encode(tokenizer, question.text(), Integer.MAX_VALUE);
                if (ids.length > settings.inputs()) {
                    throw new UserException("Row " + (question.id() + 1) + " of the input has " + ids.length
                            + " tokens, but inputs is " + settings.inputs()
                            + ": raise inputs, shorten the row, or set too-long=cut.");
                }
                yield ids;
            }
        };
    }

    private void answer(List<Tokens> batch, String[] answers) {
        T5Config config = model.config();
        int longest = 1;
        for (Tokens tokens : batch) {
            longest = Math.max(longest, tokens.ids().length);
        }
        int length = bucket(longest);
        int[][] ids = new int[batch.size()][length];
        int[][] attention = new int[batch.size()][length];
        int[][] labels = new int[batch.size()][1];
        long[] rowIds = new long[batch.size()];
        for (int row = 0; row < batch.size(); row++) {
            int[] own = batch.get(row).ids();
            Arrays.fill(ids[row], config.padId());
            System.arraycopy(own, 0, ids[row], 0, own.length);
            Arrays.fill(attention[row], 0, own.length, 1);
            labels[row][0] = HostBatch.IGNORED;
            rowIds[row] = batch.get(row).id();
        }
        int[][] written =
                Generator.generate(model, HostBatch.padded(ids, attention, labels, config), rowIds, generation);
        for (int row = 0; row < batch.size(); row++) {
            answers[batch.get(row).place()] = tokenizer.decode(written[row]);
        }
    }

    /**
     * The length that texts of {@code length} tokens are padded to: 16, 24, 32, 48, 64 and so on. An engine keeps memory for
     * each shape that it has seen, so there are to be few.
     */
    static int bucket(int length) {
        int bucket = 16;
        while (bucket < length) {
            bucket = Integer.bitCount(bucket) == 1 ? bucket / 2 * 3 : bucket / 3 * 4;
        }
        return bucket;
    }

    @Override
    public void close() {
        model.close();
        engine.close();
        tokenizer.close();
    }
}
