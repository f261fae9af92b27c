/**
 * From raw text to training rows, each step a Spark job with a record for its settings: {@code Prepare} cleans a lake's
 * text into a corpus, {@code Vocab} trains a vocabulary on it, {@code Batch} turns both into Arrow shards. May call
 * Spark, {@code dev.sparkswitch.tokenizer}, {@code dev.sparkswitch.arrow}, {@code dev.sparkswitch.eval.report} and {@code
 * dev.sparkswitch.base}.
 */
package dev.sparkswitch.corpus;
