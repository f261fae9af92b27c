package dev.sparkswitch.jobs.run;

/**
 * A teacher as the ranks of a run are told of it.
 *
 * @param model the full path of its folder
 * @param id what tells it from others
 * @param parameters how many it has
 * @param softShare the weight of its part in the loss
 * @param temperature of its part
 * @param labels the folder for its likeliest answers, or empty where it runs beside the student
 * @param choices how many of them are kept of each position
 */
record TeacherSpec(
        String model, String id, long parameters, double softShare, double temperature, String labels, int choices) {}
