package dev.sparkswitch.tokenizer;

import dev.sparkswitch.base.UserException;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import scala.Tuple2;

/** Makes a vocabulary from text; what comes out depends on the words and their counts alone, not on partitions. */
public sealed interface VocabularyTrainer permits UnigramTrainer, BpeTrainer {
    /**
     * Trains on words as {@link WordFiles} has them.
     *
     * @throws UserException if the text is empty, or has too little variety (or too many characters) for the size
     */
    SentencePieceModel train(JavaPairRDD<String, Long> words);

    /** The same on text, keeping nothing of it. */
    default SentencePieceModel train(JavaRDD<String> texts) {
        TextNormalizer normalizer = TextNormalizer.of(options());
        return train(texts.flatMap(text -> normalizer.followedWords(text).iterator())
                .mapToPair(word -> new Tuple2<>(word, 1L)));
    }

    /** What the vocabulary is to be. */
    TrainerOptions options();
}
