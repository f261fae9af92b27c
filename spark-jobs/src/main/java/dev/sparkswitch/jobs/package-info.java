/**
 * The command line: one class a command, each a {@link dev.sparkswitch.jobs.Job} with its configuration record. It may
 * call every other package; no other package calls it.
 */
package dev.sparkswitch.jobs;
