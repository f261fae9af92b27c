package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.generate.Greedy;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.function.FlatMapFunction;

/**
 * Answers the questions of one partition: loads the model once, sorts by length so that batches waste little padding, and
 * writes greedily.
 */
final class AnswerWriter implements FlatMapFunction<Iterator<AnswerWriter.Question>, AnswerWriter.Answer> {
    private static final long serialVersionUID = 1L;

    /** A text to answer and its place in the whole. */
    record Question(int place, String text) implements Serializable {}

    /** What the model wrote. */
    record Answer(int place, String text) implements Serializable {}

    private final String model;
    private final byte[] vocabulary;
    private final String engineSettings;
    private final int inputs;
    private final int maxTokens;
    private final int rows;
    private final Map<String, String> hadoop;

    AnswerWriter(String model, EvaluateConfig config, byte[] vocabulary, Map<String, String> hadoop) {
        this.model = model;
        this.vocabulary = vocabulary;
        this.engineSettings = Configs.toTree(config.engine()).toString();
        this.inputs = config.inputs();
        this.maxTokens = config.maxTokens();
        this.rows = config.rows();
        this.hadoop = hadoop;
    }

    private record Tokens(int place, int[] ids) {}

    @Override
    public Iterator<Answer> call(Iterator<Question> questions) throws IOException {
        Configuration configuration = new Configuration();
        hadoop.forEach(configuration::set);
        EngineSettings settings =
                Configs.load(EngineSettings.class, new ObjectMapper().readTree(engineSettings), List.of());
        List<Answer> answers = new ArrayList<>();
        try (Tokenizer tokenizer = new Tokenizer(vocabulary);
                Engine engine = settings.open(TaskResources.ofTask());
                ModelSource source = TrainingRun.openModel(configuration, model);
                SwitchTransformer transformer = load(engine, source)) {
            List<Tokens> pending = new ArrayList<>();
            questions.forEachRemaining(question ->
                    pending.add(new Tokens(question.place(), TaskShards.encode(tokenizer, question.text(), inputs))));
            pending.sort((a, b) -> Integer.compare(b.ids().length, a.ids().length));
            for (int from = 0; from < pending.size(); from += rows) {
                answer(transformer, tokenizer, pending.subList(from, Math.min(pending.size(), from + rows)), answers);
            }
        }
        return answers.iterator();
    }

    private static SwitchTransformer load(Engine engine, ModelSource source) {
        int experts = source.config().sparse().map(SwitchConfig::experts).orElse(1);
        SwitchTransformer transformer = new SwitchTransformer(
                engine, source.config(), new Parallelism(ExpertPlacement.single(experts), new SingleRank()));
        ModelWeights.load(transformer, source.parameters());
        return transformer;
    }

    private void answer(SwitchTransformer transformer, Tokenizer tokenizer, List<Tokens> batch, List<Answer> answers) {
        T5Config config = transformer.config();
        int length = 1;
        for (Tokens tokens : batch) {
            length = Math.max(length, tokens.ids().length);
        }
        int[][] ids = new int[batch.size()][length];
        int[][] attention = new int[batch.size()][length];
        int[][] labels = new int[batch.size()][1];
        for (int row = 0; row < batch.size(); row++) {
            int[] own = batch.get(row).ids();
            Arrays.fill(ids[row], config.padId());
            System.arraycopy(own, 0, ids[row], 0, own.length);
            Arrays.fill(attention[row], 0, own.length, 1);
            labels[row][0] = HostBatch.IGNORED;
        }
        int[][] written = Greedy.generate(transformer, HostBatch.padded(ids, attention, labels, config), maxTokens);
        for (int row = 0; row < batch.size(); row++) {
            answers.add(new Answer(batch.get(row).place(), tokenizer.decode(written[row])));
        }
    }
}
