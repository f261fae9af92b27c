package dev.sparkswitch.convert;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Sparse upcycling (Komatsuzaki et al. 2022): a Switch model from a dense one. Every expert is a copy of the feed-forward
 * layer whose place it takes, the routers are fresh, everything else stays as it was.
 *
 * <p>Without noise an expert's result is the dense layer's, bit for bit. So a sparse layer gives {@code g} times the dense
 * layer's result for a token that found a slot, {@code g} being the sum of its gates, and 0 for one that was dropped. With
 * two or more experts a token the gates add up to 1, and the model that drops nothing is the dense model's function, up to
 * the rounding of that sum, at all positions but padding, which is not routed and which nothing reads; with one expert a
 * token {@code g} is the router's largest probability, which is 1 only where
 * there is one expert, and training has to make up for the scale.
 */
public final class Upcycling {
    private Upcycling() {}

    /**
     * The sparse model.
     *
     * @param seed of the noise
     * @throws UserException where {@code dense} has experts already, or cannot have those that are asked for
     */
    public static ModelTensors upcycle(ModelTensors dense, UpcycleConfig settings, Initializer initializer, long seed) {
        if (dense.config().sparse().isPresent()) {
            throw new UserException(
                    "The model to upcycle has experts already: give a dense one, or leave upcycle out.");
        }
        T5Config config = settings.sparse(dense.config());
        CounterpartNames names = new CounterpartNames(config, dense.config());
        FreshTensors fresh = new FreshTensors(config, initializer, dense.type());
        Map<String, TensorSource> stored = dense.byName();
        List<TensorSource> tensors = new ArrayList<>();
        List<ParameterSpec> specs = ParameterSpecs.of(config);
        for (int i = 0; i < specs.size(); i++) {
            ParameterSpec spec = specs.get(i);
            if (spec.role() == Role.ROUTER) {
                tensors.add(fresh.of(spec));
                continue;
            }
            TensorSource copy = stored.get(names.of(spec)).renamed(spec.name());
            if (spec.role() == Role.EXPERT && settings.noise() > 0) {
                Philox source = RandomStream.UPCYCLING.at(seed, i, 0);
                copy = Noise.on(copy, settings.noise(), source);
            }
            tensors.add(copy);
        }
        return new ModelTensors(config, tensors);
    }
}
