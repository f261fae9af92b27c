package dev.sparkswitch.eval.task;

/** The parts of a data set. Some tasks turn a row into other examples for training than for scoring. */
public enum Split {
    TRAIN,
    VALIDATION,
    TEST
}
