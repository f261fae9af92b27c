package dev.sparkswitch.eval.task;

/** Which form of the references predictions are compared with; they differ for SQuAD alone. */
public enum Wording {
    /** T5's text format, for text that a model wrote after reading T5's format. */
    T5,
    /** The official file's, for predictions of other systems. */
    OFFICIAL
}
