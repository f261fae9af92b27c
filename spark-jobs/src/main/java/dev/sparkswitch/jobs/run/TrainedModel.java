package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.Checkpoint;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tokenizer.Tokenizer;
import org.apache.hadoop.conf.Configuration;

/**
 * A model that a job begins with, and the vocabulary that goes with it.
 *
 * @param config what it is
 * @param vocabulary its own vocabulary
 * @param input how a manifest names it
 */
record TrainedModel(T5Config config, Vocabulary vocabulary, Manifest.Input input) {
    /**
     * Looks at a model and its vocabulary.
     *
     * @param from a run, a checkpoint or a Hugging Face folder
     * @param vocabulary the vocabulary's folder
     * @throws UserException where one is missing or damaged, or the two do not belong together
     */
    static TrainedModel open(Configuration hadoop, String from, String vocabulary) {
        Vocabulary opened = Vocabulary.open(hadoop, vocabulary);
        try (ModelSource source = TrainingRun.openModel(hadoop, from)) {
            requireVocabulary(source, opened, from);
            String id = source instanceof Checkpoint checkpoint
                    ? checkpoint.manifest().id()
                    : from;
            return new TrainedModel(source.config(), opened, new Manifest.Input("model", from, id));
        }
    }

    /** Opens the vocabulary in {@code folder} if it belongs to {@code source}; otherwise fails as {@link #open} does. */
    static Vocabulary vocabulary(Configuration hadoop, ModelSource source, String from, String folder) {
        Vocabulary opened = Vocabulary.open(hadoop, folder);
        requireVocabulary(source, opened, from);
        return opened;
    }

    /**
     * Refuses a vocabulary that is not the one of the model's training data, where that is known.
     *
     * @throws UserException naming both
     */
    private static void requireVocabulary(ModelSource source, Vocabulary vocabulary, String from) {
        if (source instanceof Checkpoint checkpoint) {
            String trained = checkpoint.manifest().properties().get(Vocabulary.HASH);
            if (trained != null && !trained.equals(vocabulary.hash())) {
                throw new UserException("The model in " + from + " was trained with the vocabulary " + trained
                        + ", but " + vocabulary.folder() + " is " + vocabulary.hash()
                        + ": name the model's own vocabulary.");
            }
        }
        requireFit(source.config(), vocabulary, "the model in " + from, "name the model's own vocabulary");
    }

    /**
     * Refuses a vocabulary that has more ids than a model, or other special ones.
     *
     * @param name what the error calls the model
     * @throws UserException naming both and the remedy
     */
    static void requireFit(T5Config model, Vocabulary vocabulary, String name, String remedy) {
        int size = Integer.parseInt(vocabulary.manifest().property(Vocabulary.SIZE));
        if (model.vocabularySize() < size) {
            throw new UserException("The vocabulary " + vocabulary.folder() + " has " + size + " ids, but " + name
                    + " has only " + model.vocabularySize() + ": " + remedy + ".");
        }
        try (Tokenizer tokenizer = vocabulary.tokenizer()) {
            if (tokenizer.padId() != model.padId() || tokenizer.eosId() != model.eosId()) {
                throw new UserException("The vocabulary " + vocabulary.folder() + " has padding " + tokenizer.padId()
                        + " and end " + tokenizer.eosId() + ", but " + name + " has " + model.padId() + " and "
                        + model.eosId() + ": " + remedy + ".");
            }
        }
    }
}
