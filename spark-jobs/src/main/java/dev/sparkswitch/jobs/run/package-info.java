/**
 * Training runs on Spark, from the driver's side and the ranks': settings, checks, the loop of attempts, what is left behind.
 * May call everything but the command line.
 */
package dev.sparkswitch.jobs.run;
