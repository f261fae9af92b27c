/** Ranks on Spark: one barrier job an attempt, one rank an executor, and the driver's loop over attempts. Knows no jobs. */
package dev.sparkswitch.cluster;
