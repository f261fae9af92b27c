/**
 * Writing text with a trained model, from token ids to token ids: greedily, by beam search or by sampling. May call the
 * engine and the model; knows nothing of files, text or Spark.
 */
package dev.sparkswitch.generate;
