package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import java.util.List;

/** The last operations that were started: a card tells of a fault when somebody next waits for it, and not whose it was. */
final class Trail {
    private static final int KEPT = 8;

    private final Object[] operations = new Object[KEPT];
    private long count;

    /** An operation has been started; it is asked for its name only if something goes wrong. */
    void add(Object operation) {
        operations[(int) (count++ % KEPT)] = operation;
    }

    /** What {@link #add} takes for each of the last ones of {@code calls}, of which there are so many. */
    static Object[] last(List<Call> calls) {
        return calls.subList(Math.max(0, calls.size() - KEPT), calls.size()).stream()
                .map(Call::name)
                .toArray();
    }

    /** The same fault, and what was under way. */
    InternalException explain(InternalException fault) {
        StringBuilder names = new StringBuilder();
        for (long i = count - 1; i >= Math.max(0, count - KEPT); i--) {
            names.append(names.isEmpty() ? "; started last, the latest first: " : ", ")
                    .append(operations[(int) (i % KEPT)]);
        }
        return new InternalException(fault.getMessage() + names, fault);
    }
}
