package dev.sparkswitch.corpus;

import java.io.Serializable;
import java.util.List;

/**
 * Rules that run in one go, and what makes documents unique behind them.
 *
 * @param name for progress and folders
 * @param unique what is removed before the next pass
 */
record Pass(String name, List<Rule> rules, Unique unique) implements Serializable {
    Pass {
        rules = List.copyOf(rules);
    }

    /** What there may be one of. */
    enum Unique {
        /** All stays. */
        NOTHING,
        /** One document of an address. */
        URL,
        /** One copy of a line. */
        LINE,
        /** One document of a text. */
        TEXT,
        /** One of several nearly equal documents. */
        NEAR
    }
}
