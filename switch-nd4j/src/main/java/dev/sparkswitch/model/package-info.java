/**
 * The model: its configuration, the names and shapes of its parameters, and its layers. Knows engines and what a
 * {@code config.json} says; never files, ranks or Spark.
 */
package dev.sparkswitch.model;
