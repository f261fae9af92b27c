/**
 * Tokens on disk and in memory: shards are Arrow IPC files of fixed-length rows, written by the batch job and read by
 * trainers as {@link dev.sparkswitch.arrow.TokenBatch}es. May call {@code dev.sparkswitch.base}, Arrow and Hadoop's
 * {@code FileSystem} alone.
 */
package dev.sparkswitch.arrow;
