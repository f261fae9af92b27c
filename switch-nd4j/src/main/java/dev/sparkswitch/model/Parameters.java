package dev.sparkswitch.model;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The weights of one rank: every dense and router parameter, and its own experts'. Parameters that one product takes together
 * lie in one block of memory, in the order of the names. Gradients that the ranks sum together lie in few blocks too.
 */
public final class Parameters implements AutoCloseable {
    private final Engine engine;
    private final Map<String, ParameterSpec> specs = new HashMap<>();
    private final List<Held> weights = new ArrayList<>();
    private final List<Parameter> parameters = new ArrayList<>();
    private final Map<Share, GradientArena> gradients = new EnumMap<>(Share.class);
    /** Told of gradients that become complete; null before a step's last backward pass. */
    private Runnable progress;
    /** Weights from this one on have complete gradients. */
    private int complete;

    /** A weight, and where its gradient lies. */
    private record Held(Weight weight, GradientArena gradients) {}

    Parameters(Engine engine, T5Config config, Parallelism parallelism) {
        this.engine = engine;
        Map<Share, Long> counts = new EnumMap<>(Share.class);
        for (ParameterSpec spec : ParameterSpecs.of(config)) {
            specs.put(spec.name(), spec);
            if (holds(config, parallelism, spec)) {
                counts.merge(Share.of(spec), spec.count(), Long::sum);
            }
        }
        for (Share share : Share.values()) {
            gradients.put(share, new GradientArena(engine, type(share, parallelism), counts.getOrDefault(share, 0L)));
        }
    }

    private static boolean holds(T5Config config, Parallelism parallelism, ParameterSpec spec) {
        if (spec.role() != Role.EXPERT) {
            return true;
        }
        int ofLayer =
                config.sparseLayer(spec.stack().orElseThrow(), spec.layer()).experts();
        return parallelism.placement().ofLayer(ofLayer).holds(parallelism.rank(), spec.expert());
    }

    /** Gradients that ranks add up are of a type that they add in. */
    private DType type(Share share, Parallelism parallelism) {
        DType narrow = engine.matrixGradientType();
        int holders = share.isOfAllRanks()
                ? parallelism.collectives().worldSize()
                : parallelism.placement().replicaGroup(parallelism.rank()).size();
        boolean takesNarrow = share != Share.OTHERS
                && (holders == 1 || parallelism.collectives().sums(narrow));
        return takesNarrow ? narrow : engine.precision().master();
    }

    /** The gradients of a share, in few blocks. */
    public List<Tensor> gradients(Share share) {
        return gradients.get(share).blocks();
    }

    /** The gradients of all that every rank holds, in few blocks. */
    public List<Tensor> sharedGradients() {
        return Stream.of(Share.values())
                .filter(Share::isOfAllRanks)
                .flatMap(share -> gradients(share).stream())
                .toList();
    }

    /** Every parameter that this rank holds, in the order of the forward pass. */
    public List<Parameter> all() {
        return List.copyOf(parameters);
    }

    /**
     * What operations take parameters by, and what it is called: the values and the gradient of each block of parameters, by
     * identity.
     */
    public Map<Tensor, String> operands() {
        Map<Tensor, String> names = new IdentityHashMap<>();
        for (Held held : weights) {
            Weight weight = held.weight();
            names.put(weight.value(), weight.name());
            names.put(weight.gradient(), weight.name());
        }
        return names;
    }

    /** The parameter of that name, which this rank must hold. */
    public Parameter named(String name) {
        for (Parameter parameter : parameters) {
            if (parameter.spec().name().equals(name)) {
                return parameter;
            }
        }
        throw new IllegalArgumentException("this rank holds no parameter " + name);
    }

    /** A weight [rows, columns] or [n] of one parameter. */
    Weight single(String name) {
        ParameterSpec spec = spec(name);
        int[] shape = spec.shape().stream().mapToInt(Integer::intValue).toArray();
        Weight weight = weight(name, gradients.get(Share.of(spec)), shape);
        parameters.add(new Parameter(spec, weight.value(), weight.gradient()));
        return weight;
    }

    /** A weight of matrices of equal width, one below the other: [sum of their rows, columns]. */
    Weight stacked(List<String> names) {
        int rows = 0;
        for (String name : names) {
            rows += spec(name).shape().get(0);
        }
        Weight weight = weight(
                name(names.get(0), names.size()),
                gradients.get(Share.of(spec(names.get(0)))),
                rows,
                spec(names.get(0)).shape().get(1));
        addRows(names, weight.value(), weight.gradient());
        return weight;
    }

    /** A weight of experts, each of stacked matrices: [experts, sum of their rows, columns]; names by expert. */
    Weight experts(List<List<String>> namesByExpert) {
        int rows = 0;
        for (String name : namesByExpert.get(0)) {
            rows += spec(name).shape().get(0);
        }
        int columns = spec(namesByExpert.get(0).get(0)).shape().get(1);
        int count = namesByExpert.size() * namesByExpert.get(0).size();
        Weight weight = weight(
                name(namesByExpert.get(0).get(0), count),
                gradients.get(Share.EXPERTS),
                namesByExpert.size(),
                rows,
                columns);
        for (int e = 0; e < namesByExpert.size(); e++) {
            addRows(
                    namesByExpert.get(e),
                    weight.value().slice(e, e + 1).reshape(rows, columns),
                    weight.gradient().slice(e, e + 1).reshape(rows, columns));
        }
        return weight;
    }

    private void addRows(List<String> names, Tensor value, Tensor gradient) {
        int row = 0;
        for (String name : names) {
            ParameterSpec spec = spec(name);
            int end = row + spec.shape().get(0);
            parameters.add(new Parameter(spec, value.slice(row, end), gradient.slice(row, end)));
            row = end;
        }
    }

    private ParameterSpec spec(String name) {
        ParameterSpec spec = specs.get(name);
        if (spec == null) {
            throw new IllegalArgumentException("the configuration has no parameter " + name);
        }
        return spec;
    }

    private static String name(String first, int count) {
        return count == 1 ? first : first + " and " + (count - 1) + " more";
    }

    private Weight weight(String name, GradientArena gradients, int... shape) {
        Weight weight = new Weight(name, engine.allocateParameter(shape), gradients.take(shape));
        weights.add(new Held(weight, gradients));
        return weight;
    }

    /** The number of the weight that is made next. */
    int next() {
        return weights.size();
    }

    /** Starts a step: gradients count from zero again. */
    public void resetGradients() {
        weights.forEach(held -> held.weight().reset());
        progress = null;
    }

    /**
     * The backward pass that comes next is the step's last, which completes gradients as it goes.
     *
     * @param progress run whenever there may be more for {@link #takeGradients}, at the same places
     *     of the pass on every rank
     */
    public void lastPass(Runnable progress) {
        this.progress = progress;
        complete = weights.size();
        gradients.values().forEach(GradientArena::begin);
    }

    /** The pass will no longer touch the gradients of the weights from number {@code first} on. */
    void completeFrom(int first) {
        if (progress == null) {
            return;
        }
        while (complete > first) {
            complete--;
            Held held = weights.get(complete);
            if (!held.weight().written()) {
                engine.fill(held.weight().gradient(), 0);
            }
            held.gradients().completeLast();
        }
        progress.run();
    }

    /**
     * Complete gradients of a share that were not taken yet, in pieces of at least {@code bytes} where they have neighbours; cut
     * alike on every rank that holds them.
     */
    public List<Tensor> takeGradients(Share share, long bytes) {
        return gradients.get(share).takeComplete(bytes);
    }

    /** Ends a step's backward passes where none was said to be the last: gradients that nothing has written become zero. */
    public void completeGradients() {
        lastPass(() -> {});
        completeFrom(0);
    }

    @Override
    public void close() {
        for (Held held : weights) {
            held.weight().value().close();
        }
        gradients.values().forEach(GradientArena::close);
    }
}
