/**
 * Text to token ids and back: SentencePiece model files read and written, unigram and BPE models that are trained
 * over Spark, Hugging Face's files, and the tokenizer with T5's sentinels on top. Encoding itself is SentencePiece's own
 * C++ code, through DJL. May call Spark, DJL and {@code dev.sparkswitch.base}; knows nothing of jobs or corpora.
 */
package dev.sparkswitch.tokenizer;
