/**
 * Self-contained HTML pages: a small builder with tiles, tables, prose and charts, and the sections that the pages of all
 * jobs share. A page loads nothing from outside. May call {@code dev.sparkswitch.eval.metric}, {@code
 * dev.sparkswitch.eval.task} and {@code dev.sparkswitch.base}.
 */
package dev.sparkswitch.eval.report;
