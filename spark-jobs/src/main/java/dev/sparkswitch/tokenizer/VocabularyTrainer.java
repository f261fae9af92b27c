package dev.sparkswitch.tokenizer;

import dev.sparkswitch.base.UserException;
import org.apache.spark.api.java.JavaRDD;

/** Makes a vocabulary from text; what comes out depends on the words and their counts alone, not on partitions. */
public sealed interface VocabularyTrainer permits UnigramTrainer, BpeTrainer {
    /**
     * @throws UserException if the text is empty, or has too little variety (or too many characters) for the size
     */
    SentencePieceModel train(JavaRDD<String> texts);
}
