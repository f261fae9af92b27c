package dev.sparkswitch.convert;

import dev.sparkswitch.model.ParameterNames;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.Stack;
import dev.sparkswitch.model.T5Config;

/** What the parameters of one model are called in another that differs in its experts alone. */
final class CounterpartNames {
    private final ParameterNames names;
    private final ParameterNames others;

    CounterpartNames(T5Config config, T5Config other) {
        this.names = new ParameterNames(config);
        this.others = new ParameterNames(other);
    }

    /** The name of a parameter's counterpart: an expert's is the dense feed-forward layer's. */
    String of(ParameterSpec spec) {
        if (spec.layer() < 0) {
            return spec.name();
        }
        Stack stack = spec.stack().orElseThrow();
        String from = spec.expert() < 0
                ? names.feedForward(stack, spec.layer())
                : names.expert(stack, spec.layer(), spec.expert());
        return spec.name().startsWith(from + ".")
                ? others.feedForward(stack, spec.layer()) + spec.name().substring(from.length())
                : spec.name();
    }
}
