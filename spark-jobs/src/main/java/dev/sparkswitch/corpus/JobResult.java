package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Manifest;
import org.apache.hadoop.fs.Path;

/**
 * What a job leaves behind.
 *
 * @param folder where it lies
 * @param manifest what it is
 * @param wasComplete whether it was there already, made from the same inputs with the same settings
 */
public record JobResult(Path folder, Manifest manifest, boolean wasComplete) {}
