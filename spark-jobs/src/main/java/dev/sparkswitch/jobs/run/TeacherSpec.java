package dev.sparkswitch.jobs.run;

/**
 * A teacher as the ranks of a run are told of it.
 *
 * @param model the full path of its folder
 * @param parameters how many it has
 * @param softShare the weight of its part in the loss
 * @param temperature of its part
 */
record TeacherSpec(String model, long parameters, double softShare, double temperature) {}
