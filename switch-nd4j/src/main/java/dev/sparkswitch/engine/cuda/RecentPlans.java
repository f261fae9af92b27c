package dev.sparkswitch.engine.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;

/**
 * What an optimizer has made of the lists of slots that came last: a step's lists are the same ones in every step.
 *
 * @param <S> a slot
 * @param <P> what is made of a list
 */
final class RecentPlans<S, P extends RecentPlans.Plan> {
    /** What is closed without a failure. */
    interface Plan extends AutoCloseable {
        @Override
        void close();
    }

    private record Known<S, P>(List<S> slots, P plan) {
        boolean isFor(List<S> others) {
            // Of an unchangeable list, a copy is the list itself: not every step compares thousands of tensors.
            return slots == others || slots.equals(others);
        }
    }

    private final int most;
    private final Function<List<S>, P> maker;
    private final Deque<Known<S, P>> known = new ArrayDeque<>();

    /** @param most lists of a step */
    RecentPlans(int most, Function<List<S>, P> maker) {
        this.most = most;
        this.maker = maker;
    }

    P of(List<S> slots) {
        for (Known<S, P> one : known) {
            if (one.isFor(slots)) {
                return one.plan();
            }
        }
        if (known.size() == most) {
            known.removeFirst().plan().close();
        }
        List<S> copy = List.copyOf(slots);
        P plan = maker.apply(copy);
        known.addLast(new Known<>(copy, plan));
        return plan;
    }
}
