package dev.sparkswitch.eval.report;

/** One piece of a section. */
public sealed interface Block permits Chart, Examples, Prose, Samples, Table, Tiles {
    /** Appends the piece as HTML. */
    void render(StringBuilder html);
}
