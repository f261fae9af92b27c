package dev.sparkswitch.model;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * The weights of one rank: every dense and router parameter, and its own experts'. Parameters that one product takes together
 * lie in one block of memory, in the order of the names. Gradients that the ranks sum together lie in few blocks too.
 */
public final class Parameters implements AutoCloseable {
    private final Engine engine;
    private final Map<String, ParameterSpec> specs = new HashMap<>();
    private final List<Held> weights = new ArrayList<>();
    private final List<Parameter> parameters = new ArrayList<>();
    /** Of projections that every rank holds, and of whatever else it does: where both are of one type, the same. */
    private final GradientArena projectionGradients;

    private final GradientArena otherGradients;
    private final GradientArena expertGradients;
    /** Told of gradients that become complete; null before a step's last backward pass. */
    private Runnable progress;
    /** Weights from this one on have complete gradients. */
    private int complete;

    /** A weight, and where its gradient lies. */
    private record Held(Weight weight, GradientArena gradients) {}

    Parameters(Engine engine, T5Config config, Parallelism parallelism) {
        this.engine = engine;
        DType wide = engine.precision().master();
        // Gradients that ranks add up are of a type that they add in.
        boolean sums = parallelism.collectives().sums(engine.matrixGradientType());
        DType ofShared = sums || parallelism.collectives().worldSize() == 1 ? engine.matrixGradientType() : wide;
        boolean alone = parallelism.placement().replicaGroup(parallelism.rank()).size() == 1;
        long projections = 0;
        long others = 0;
        long experts = 0;
        for (ParameterSpec spec : ParameterSpecs.of(config)) {
            specs.put(spec.name(), spec);
            if (spec.role() == Role.EXPERT) {
                int ofLayer = config.sparseLayer(spec.stack().orElseThrow(), spec.layer())
                        .experts();
                boolean own = parallelism.placement().ofLayer(ofLayer).holds(parallelism.rank(), spec.expert());
                experts += own ? spec.count() : 0;
            } else if (ofShared != wide && isProjection(spec)) {
                projections += spec.count();
            } else {
                others += spec.count();
            }
        }
        this.otherGradients = new GradientArena(engine, wide, others);
        this.projectionGradients = ofShared == wide ? otherGradients : new GradientArena(engine, ofShared, projections);
        this.expertGradients = new GradientArena(engine, alone || sums ? engine.matrixGradientType() : wide, experts);
    }

    /** Whether products alone write its gradient; a router's are of float32, whatever the engine computes in. */
    private static boolean isProjection(ParameterSpec spec) {
        return spec.kind() == ParameterSpec.Kind.PROJECTION && spec.role() == Role.DENSE;
    }

    private GradientArena sharedGradients(ParameterSpec spec) {
        return isProjection(spec) ? projectionGradients : otherGradients;
    }

    private List<GradientArena> sharedArenas() {
        return projectionGradients == otherGradients
                ? List.of(otherGradients)
                : List.of(projectionGradients, otherGradients);
    }

    /** The gradients of all dense and router parameters, which every rank holds, in few blocks. */
    public List<Tensor> sharedGradients() {
        return sharedArenas().stream().flatMap(arena -> arena.blocks().stream()).toList();
    }

    /** The gradients of this rank's experts, in few blocks. */
    public List<Tensor> expertGradients() {
        return expertGradients.blocks();
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
        Weight weight = weight(name, sharedGradients(spec), shape);
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
                sharedGradients(spec(names.get(0))),
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
        Weight weight =
                weight(name(namesByExpert.get(0).get(0), count), expertGradients, namesByExpert.size(), rows, columns);
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
     * @param progress run whenever there may be more for {@link #takeSharedGradients} and {@link #takeExpertGradients}, at the
     *     same places of the pass on every rank
     */
    public void lastPass(Runnable progress) {
        this.progress = progress;
        complete = weights.size();
        sharedArenas().forEach(GradientArena::begin);
        expertGradients.begin();
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
     * Complete gradients of dense and router parameters that were not taken yet, in pieces of at least {@code bytes} where they
     * have neighbours; cut alike on every rank.
     */
    public List<Tensor> takeSharedGradients(long bytes) {
        return sharedArenas().stream()
                .flatMap(arena -> arena.takeComplete(bytes).stream())
                .toList();
    }

    /** {@link #takeSharedGradients} of this rank's experts; cut alike on all ranks that hold them. */
    public List<Tensor> takeExpertGradients(long bytes) {
        return expertGradients.takeComplete(bytes);
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
        sharedArenas().forEach(GradientArena::close);
        expertGradients.close();
    }
}
