/**
 * What every module shares and nothing more: the error family and its exit codes, random numbers, manifests,
 * configuration binding, progress. Free of Arrow, ND4J and Spark types; may call Jackson, SLF4J and Hadoop's
 * {@code FileSystem} alone.
 */
package dev.sparkswitch.base;
