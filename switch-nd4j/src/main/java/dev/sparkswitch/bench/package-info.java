/**
 * Measures the speed of training on one host: a whole step by phases, and single operations, each beside what the machine
 * can do at all. Uses engines, models and the trainer's step; needs neither Spark nor files.
 */
package dev.sparkswitch.bench;
