/**
 * Studies: models that are trained on the same rows, compared by what they cost. Numbers in, numbers and pages out; may call
 * {@code eval.report} alone.
 */
package dev.sparkswitch.eval.study;
