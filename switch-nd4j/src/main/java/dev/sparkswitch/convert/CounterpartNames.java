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

    /** The name of a parameter's counterpart: an expert's is that of the dense layer whose place it takes. */
    String of(ParameterSpec spec) {
        if (spec.layer() < 0) {
            return spec.name();
        }
        Stack stack = spec.stack().orElseThrow();
        int layer = spec.layer();
        boolean expert = spec.expert() >= 0;
        String feedForward = expert ? names.expert(stack, layer, spec.expert()) : names.feedForward(stack, layer);
        if (spec.name().startsWith(feedForward + ".")) {
            return others.feedForward(stack, layer) + spec.name().substring(feedForward.length());
        }
        String attention = names.attentionExpert(stack, layer, spec.expert());
        return expert && spec.name().startsWith(attention + ".")
                ? others.selfAttention(stack, layer) + spec.name().substring(attention.length())
                : spec.name();
    }
}
