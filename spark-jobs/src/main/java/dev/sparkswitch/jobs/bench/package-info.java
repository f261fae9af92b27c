/**
 * The speed of the corpus pipeline on one host: text to measure with, stages, what they took; and what more ranks bring to
 * training. Called by {@code jobs} alone.
 */
package dev.sparkswitch.jobs.bench;
