/**
 * Raw text as it lies in a lake: files of many forms, cut into units of work of about one size, and read row by row in bounded
 * memory. What cannot be read becomes a {@code RawDocument} that says why, so that it can be counted. May call Hadoop's
 * FileSystem, Spark's tables and {@code dev.sparkswitch.base}.
 */
package dev.sparkswitch.corpus.input;
