/** The speed of the corpus pipeline on one host: text to measure with, stages, what they took. Called by {@code jobs} alone. */
package dev.sparkswitch.jobs.bench;
