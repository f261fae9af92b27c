/**
 * Word n-grams that texts have in common: near-duplicates of a corpus, and evaluation sets that stand in it. Rows in,
 * rows out; knows nothing of configurations, counts or folders.
 */
package dev.sparkswitch.corpus.overlap;
