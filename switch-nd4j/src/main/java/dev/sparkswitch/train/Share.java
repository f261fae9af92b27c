package dev.sparkswitch.train;

import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Role;
import java.util.List;

/**
 * A part of a rank's parameters whose gradients are summed over the same ranks, in the order of their updates: while experts, whose
 * gradients are complete where a rank holds them alone, are updated, sums of the others may still be on their way.
 */
enum Share {
    /** Of experts. */
    EXPERTS,
    /** What every rank holds. */
    SHARED;

    static Share of(Role role) {
        return role == Role.EXPERT ? EXPERTS : SHARED;
    }

    /** Those of this share, in their order. */
    List<Parameter> of(List<Parameter> parameters) {
        return parameters.stream()
                .filter(parameter -> of(parameter.spec().role()) == this)
                .toList();
    }
}
