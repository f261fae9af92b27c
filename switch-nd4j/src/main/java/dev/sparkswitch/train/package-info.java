/** Training: the step, its schedule, what a rank knows of its run. May call the model, engines, collectives, checkpoints. */
package dev.sparkswitch.train;
