package dev.sparkswitch.model;

import java.util.List;

/**
 * A part of a rank's parameters whose gradients are of one type and are summed over the same ranks. In the order of their updates: what is
 * complete, or summed, first is updated first, and sums of the rest travel meanwhile.
 */
public enum Share {
    /** Projections that every rank holds: only products write their gradients. */
    PROJECTIONS,
    /** Experts, whose gradients are complete where a rank holds them alone. */
    EXPERTS,
    /** All else that every rank holds. The embedding's gradient is the last that a backward pass completes. */
    OTHERS;

    static Share of(ParameterSpec spec) {
        return switch (spec.role()) {
            case EXPERT -> EXPERTS;
            case DENSE -> spec.kind() == ParameterSpec.Kind.PROJECTION ? PROJECTIONS : OTHERS;
            // In float32 or better, whatever the engine computes in
            case ROUTER -> OTHERS;
        };
    }

    /** Whether ranks that hold the same ones are all ranks. */
    public boolean isOfAllRanks() {
        return this != EXPERTS;
    }

    /** Those of this share, in their order. */
    public List<Parameter> of(List<Parameter> parameters) {
        return parameters.stream()
                .filter(parameter -> of(parameter.spec()) == this)
                .toList();
    }
}
