package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import java.util.Locale;

/**
 * Which operation a rank is in. Every rank of the group must come to an equal one, else they are out of step.
 *
 * @param kind what is done
 * @param ordinal how many operations this group did before
 * @param bytes the bytes of a rank's buffer
 * @param type the element type of a sum, else null
 * @param root the world rank that is copied from, else -1
 * @param group the ranks that take part
 */
record Operation(Kind kind, long ordinal, long bytes, DType type, int root, RankGroup group) {
    static final int NO_ROOT = -1;

    /** The operations; a kind's ordinal is its code on the wire. */
    enum Kind {
        ALL_REDUCE,
        ALL_TO_ALL,
        BROADCAST,
        BARRIER;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** The message for two ranks that are out of step. */
    static String mismatch(int rank, Operation here, int peer, Operation there) {
        return "the ranks are out of step: rank " + rank + " is in " + here + ", rank " + peer + " in " + there
                + "; every rank of a group must call the same operations in the same order";
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder().append(kind).append(" #").append(ordinal);
        if (kind != Kind.BARRIER) {
            text.append(" of ").append(bytes).append(" bytes");
        }
        if (type != null) {
            text.append(' ').append(type.name().toLowerCase(Locale.ROOT));
        }
        if (root != NO_ROOT) {
            text.append(" from rank ").append(root);
        }
        return text.append(" over ranks ").append(group.ranks()).toString();
    }
}
