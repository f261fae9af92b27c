/**
 * Packs SparkSwitch with a Java runtime of its own for hosts that have neither Java nor a network. Knows the jars that the
 * build leaves; may call {@code base} alone.
 */
package dev.sparkswitch.jobs.bundle;
