package dev.sparkswitch.train;

/**
 * How a student learns from a teacher beside its data.
 *
 * @param teacher gives the soft targets
 * @param softShare alpha of {@link dev.sparkswitch.engine.DistillationSettings}
 * @param temperature likewise
 */
public record Teaching(Teacher teacher, double softShare, double temperature) {}
