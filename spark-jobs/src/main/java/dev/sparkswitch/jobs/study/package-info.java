/** Studies: runs of several models on the same rows, and the page that compares them. */
package dev.sparkswitch.jobs.study;
