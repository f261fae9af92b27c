package dev.sparkswitch.model;

import dev.sparkswitch.model.ParameterSpec.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** All parameters of a model, from its configuration alone. */
public final class ParameterSpecs {
    private final T5Config config;
    private final ParameterNames names;
    private final List<ParameterSpec> specs = new ArrayList<>();

    private ParameterSpecs(T5Config config) {
        this.config = config;
        this.names = new ParameterNames(config);
    }

    /**
     * Every parameter once: a shared embedding; of the encoder and then the decoder an embedding of its own, the blocks
     * and the last norm; an untied head. Each expert's matrix is an entry of its own.
     */
    public static List<ParameterSpec> of(T5Config config) {
        ParameterSpecs all = new ParameterSpecs(config);
        if (config.embedding() == Embedding.SHARED) {
            all.add(ParameterNames.SHARED, Kind.EMBEDDING, Optional.empty());
        }
        for (Stack stack : Stack.values()) {
            if (config.embedding() == Embedding.PER_STACK) {
                all.add(ParameterNames.ownEmbedding(stack), Kind.EMBEDDING, Optional.of(stack));
            }
            for (int layer = 0; layer < config.layers(stack); layer++) {
                all.addBlock(stack, layer);
            }
            all.addNorm(all.names.finalNorm(stack), stack, -1);
        }
        if (!config.head().tied()) {
            all.add(ParameterNames.HEAD, Kind.HEAD, Optional.empty());
        }
        return List.copyOf(all.specs);
    }

    /** The number of values of all parameters, each counted once. */
    public static long count(T5Config config) {
        long count = 0;
        for (ParameterSpec spec : of(config)) {
            count += spec.count();
        }
        return count;
    }

    /** The further names under which a folder may hold a parameter, each with that parameter's own name. */
    public static SortedMap<String, String> aliases(T5Config config) {
        SortedMap<String, String> aliases = new TreeMap<>();
        if (config.embedding() == Embedding.SHARED) {
            for (Stack stack : Stack.values()) {
                aliases.put(ParameterNames.ownEmbedding(stack), ParameterNames.SHARED);
            }
        }
        if (config.head().tied()) {
            aliases.put(ParameterNames.HEAD, ParameterNames.SHARED);
        }
        return aliases;
    }

    private void addBlock(Stack stack, int layer) {
        if (config.sparseAttention(stack, layer)) {
            int experts = config.sparseLayer(stack, layer).experts();
            addRouter(names.attentionRouter(stack, layer), stack, layer);
            for (int expert = 0; expert < experts; expert++) {
                addAttention(names.attentionExpert(stack, layer, expert), Role.EXPERT, stack, layer, expert);
            }
        } else {
            addAttention(names.selfAttention(stack, layer), Role.DENSE, stack, layer, -1);
        }
        if (layer == 0) {
            specs.add(new ParameterSpec(
                    names.relativeBias(stack),
                    List.of(config.relativeBuckets(), config.heads()),
                    Kind.RELATIVE_BIAS,
                    Role.DENSE,
                    Optional.of(stack),
                    layer,
                    -1));
        }
        addNorm(names.selfAttentionNorm(stack, layer), stack, layer);
        if (stack == Stack.DECODER) {
            addAttention(names.crossAttention(layer), Role.DENSE, stack, layer, -1);
            addNorm(names.crossAttentionNorm(layer), stack, layer);
        }
        if (config.sparse(stack, layer)) {
            int experts = config.sparseLayer(stack, layer).experts();
            addRouter(names.router(stack, layer), stack, layer);
            for (int expert = 0; expert < experts; expert++) {
                addFeedForward(
                        names.expert(stack, layer, expert),
                        Role.EXPERT,
                        stack,
                        layer,
                        expert,
                        config.expertWidth(expert));
            }
        } else {
            addFeedForward(names.feedForward(stack, layer), Role.DENSE, stack, layer, -1, config.feedForwardSize());
        }
        addNorm(names.feedForwardNorm(stack, layer), stack, layer);
    }

    private void addRouter(String name, Stack stack, int layer) {
        SwitchConfig sparse = config.sparseLayer(stack, layer);
        if (!(sparse.router() instanceof RouterConfig.Hash)) {
            addProjection(name, Role.ROUTER, stack, layer, -1, sparse.experts(), config.modelSize());
        }
    }

    private void addAttention(String prefix, Role role, Stack stack, int layer, int expert) {
        int inner = config.attentionSize();
        int outer = config.modelSize();
        addProjection(prefix + ".q.weight", role, stack, layer, expert, inner, outer);
        addProjection(prefix + ".k.weight", role, stack, layer, expert, inner, outer);
        addProjection(prefix + ".v.weight", role, stack, layer, expert, inner, outer);
        addProjection(prefix + ".o.weight", role, stack, layer, expert, outer, inner);
    }

    private void addFeedForward(String prefix, Role role, Stack stack, int layer, int expert, int inner) {
        int outer = config.modelSize();
        switch (config.feedForward()) {
            case RELU -> addProjection(prefix + ".wi.weight", role, stack, layer, expert, inner, outer);
            case GATED_GELU -> {
                addProjection(prefix + ".wi_0.weight", role, stack, layer, expert, inner, outer);
                addProjection(prefix + ".wi_1.weight", role, stack, layer, expert, inner, outer);
            }
        }
        addProjection(prefix + ".wo.weight", role, stack, layer, expert, outer, inner);
    }

    private void addProjection(String name, Role role, Stack stack, int layer, int expert, int out, int in) {
        specs.add(new ParameterSpec(name, List.of(out, in), Kind.PROJECTION, role, Optional.of(stack), layer, expert));
    }

    private void addNorm(String name, Stack stack, int layer) {
        specs.add(new ParameterSpec(
                name, List.of(config.modelSize()), Kind.NORM, Role.DENSE, Optional.of(stack), layer, -1));
    }

    private void add(String name, Kind kind, Optional<Stack> stack) {
        List<Integer> shape = List.of(config.vocabularySize(), config.modelSize());
        specs.add(new ParameterSpec(name, shape, kind, Role.DENSE, stack, -1, -1));
    }
}
