/** What the demonstration makes up for itself. May call every module; knows nothing of Spark. */
package dev.sparkswitch.jobs.demo;
