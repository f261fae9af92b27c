/**
 * Downstream tasks: official file layouts read as downloaded, T5's text-to-text formats byte for byte, and scoring of
 * predictions. May call {@code dev.sparkswitch.eval.metric} and {@code dev.sparkswitch.base}.
 */
package dev.sparkswitch.eval.task;
