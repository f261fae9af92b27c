package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import java.util.ArrayList;
import java.util.List;

/**
 * What the parts of a model are made from, in one order on every rank: sites of random numbers are numbered as they are asked
 * for, so that they mean the same everywhere.
 */
final class Construction {
    private final Engine engine;
    private final T5Config config;
    private final Parallelism parallelism;
    private final Parameters parameters;
    private final List<SparseLayer> sparseLayers = new ArrayList<>();
    private final RoutingTotals routingTotals = new RoutingTotals();
    private int sites;

    Construction(Engine engine, T5Config config, Parallelism parallelism) {
        this.engine = engine;
        this.config = config;
        this.parallelism = parallelism;
        this.parameters = new Parameters(engine, config, parallelism);
    }

    T5Config config() {
        return config;
    }

    ParameterNames names() {
        return new ParameterNames(config);
    }

    Parameters parameters() {
        return parameters;
    }

    /** Every Switch layer made so far, encoder first. */
    List<SparseLayer> sparseLayers() {
        return sparseLayers;
    }

    /** The statistics of every layer in {@link #sparseLayers}. */
    RoutingTotals routingTotals() {
        return routingTotals;
    }

    /** The number of the next place that draws random numbers. */
    int nextSite() {
        return sites++;
    }

    /** The self-attention of a block, its projections dense or by experts as the configuration says. */
    SelfAttention selfAttention(Stack stack, int layer) {
        int site = nextSite();
        if (!config.sparseAttention(stack, layer)) {
            return new SelfAttention(
                    new DenseProjections(parameters, names().selfAttention(stack, layer)), config, site);
        }
        SwitchProjections sparse =
                new SwitchProjections(engine, parameters, config, stack, layer, site, parallelism, routingTotals);
        sparseLayers.add(sparse);
        return new SelfAttention(sparse, config, site);
    }

    /** The feed-forward layer of a block, dense or sparse as the configuration says. */
    Sublayer feedForward(Stack stack, int layer) {
        if (!config.sparse(stack, layer)) {
            return new DenseFfn(parameters, config, stack, layer, nextSite());
        }
        SwitchFfn sparse =
                new SwitchFfn(engine, parameters, config, stack, layer, nextSite(), parallelism, routingTotals);
        sparseLayers.add(sparse);
        return sparse;
    }
}
