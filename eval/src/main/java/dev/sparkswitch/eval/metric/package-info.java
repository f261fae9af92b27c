/**
 * Scores of predictions against references: strings in, numbers out. Every metric is a sum of per-unit statistics, so it
 * aggregates over any partitioning and resamples cheaply. Plain Java; may call {@code dev.sparkswitch.base} alone.
 */
package dev.sparkswitch.eval.metric;
