package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The residual stream of an encoder or decoder: h = h + dropout(branch(norm(h))) for every branch, then a last norm and
 * dropout (T5, pre-norm). Adding a branch's result and normalising for the next is one operation of the engine.
 */
final class LayerStack {
    private final List<Sublayer> branches = new ArrayList<>();
    private final List<Weight> norms = new ArrayList<>();
    private final List<Integer> sites = new ArrayList<>();
    private final Parameters parameters;
    /** The number of the first weight of each branch and its norm, which were made one after the other. */
    private final List<Integer> firstWeights = new ArrayList<>();

    private final double dropout;
    private final double epsilon;

    /** A stack whose weights are made from here on. */
    LayerStack(T5Config config, Parameters parameters) {
        this.parameters = parameters;
        firstWeights.add(parameters.next());
        this.dropout = config.dropout();
        this.epsilon = config.layerNormEpsilon();
    }

    /** Adds a branch behind its norm; {@code site} numbers the dropout of its result. */
    void add(Weight norm, Sublayer branch, int site) {
        norms.add(norm);
        branches.add(branch);
        sites.add(site);
        firstWeights.add(parameters.next());
    }

    /** Adds the last norm; {@code site} numbers the dropout of the stack's result. */
    void end(Weight norm, int site) {
        norms.add(norm);
        sites.add(site);
    }

    /** What a pass keeps: the stream before every norm, 1 / RMS of it, and what the branches keep, or cannot make again. */
    static final class Kept implements Saved {
        private final List<Tensor> sums = new ArrayList<>();
        private final List<Tensor> inverseRms = new ArrayList<>();
        private final List<Saved> branches = new ArrayList<>();

        @Override
        public void close() {
            sums.forEach(Tensor::close);
            inverseRms.forEach(Tensor::close);
            branches.forEach(Saved::close);
        }
    }

    /** The stack's result [T, d_model] and what its backward pass needs. */
    record Forward(Tensor output, Kept kept) {}

    private static boolean keeps(StackPass pass) {
        return switch (pass.settings().recomputation()) {
            case NONE -> true;
            case BRANCHES -> false;
        };
    }

    /** What the {@code i}-th branch needs for its backward pass. */
    private Saved saved(StackPass pass, Kept kept, int i) {
        Saved saved = kept.branches.get(i);
        if (keeps(pass)) {
            return saved;
        }
        Engine.Normalized again = pass.engine()
                .addNorm(kept.sums.get(i), null, Dropout.NONE, norms.get(i).value(), epsilon);
        again.inverseRms().close();
        return branches.get(i).rerun(pass, again.normalized(), saved);
    }

    private Dropout dropout(StackPass pass, int branch) {
        return pass.dropout(RandomStream.DROPOUT, sites.get(branch), dropout);
    }

    /** Runs the stack on embeddings [T, d_model], which it owns from here on. */
    Forward forward(StackPass pass, Tensor embedded) {
        Engine engine = pass.engine();
        Kept kept = new Kept();
        Tensor stream = embedded;
        Tensor delta = null;
        for (int i = 0; i <= branches.size(); i++) {
            Dropout drop = i == 0 ? Dropout.NONE : dropout(pass, i - 1);
            Engine.Normalized next =
                    engine.addNorm(stream, delta, drop, norms.get(i).value(), epsilon);
            if (delta != null) {
                delta.close();
            }
            stream = next.sum();
            kept.sums.add(stream);
            kept.inverseRms.add(next.inverseRms());
            if (i == branches.size()) {
                return new Forward(dropped(engine, next.normalized(), dropout(pass, i)), kept);
            }
            Sublayer.Forward branch = branches.get(i).forward(pass, next.normalized());
            kept.branches.add(keeps(pass) ? branch.saved() : branches.get(i).forgo(branch.saved()));
            delta = branch.delta();
        }
        throw new IllegalStateException("a stack ends with a norm");
    }

    /** What a branch adds to the stream in a pass that is never turned back; it owns x. */
    interface Addition {
        Tensor of(Sublayer branch, Tensor x);
    }

    /** Runs the stack on embeddings [T, d_model], which it owns from here on, without dropout; keeps nothing. */
    Tensor run(Engine engine, Tensor embedded, Addition addition) {
        Tensor stream = embedded;
        Tensor delta = null;
        for (int i = 0; i <= branches.size(); i++) {
            Engine.Normalized next =
                    engine.addNorm(stream, delta, Dropout.NONE, norms.get(i).value(), epsilon);
            next.inverseRms().close();
            if (delta != null) {
                delta.close();
                stream.close();
            }
            stream = next.sum();
            if (i == branches.size()) {
                stream.close();
                return next.normalized();
            }
            delta = addition.of(branches.get(i), next.normalized());
        }
        throw new IllegalStateException("a stack ends with a norm");
    }

    private static Tensor dropped(Engine engine, Tensor x, Dropout dropout) {
        if (!dropout.active()) {
            return x;
        }
        try (x) {
            return engine.dropout(x, dropout);
        }
    }

    /**
     * After the backward pass, and that of a weight which all branches share and which was made beside the first: the gradients
     * of the stack's weights are complete.
     */
    void completeGradients() {
        parameters.completeFrom(firstWeights.get(0));
    }

    /** Adds the weights' gradients and returns that of the embeddings; closes {@code dOutput} and what was kept. */
    Tensor backward(StackPass pass, Kept kept, Tensor dOutput) {
        Engine engine = pass.engine();
        Tensor dStream = engine.allocate(dOutput.type(), dOutput.shape());
        engine.fill(dStream, 0);
        Tensor dNormalized = dropped(engine, dOutput, dropout(pass, branches.size()));
        boolean held = false;
        for (int i = branches.size(); ; i--) {
            Weight norm = norms.get(i);
            Dropout dropout = i == 0 ? Dropout.NONE : dropout(pass, i - 1);
            Tensor dDelta = engine.addNormBackward(
                    dNormalized,
                    dStream,
                    kept.sums.get(i),
                    kept.inverseRms.get(i),
                    norm.value(),
                    norm.gradient(),
                    norm.nextWrite(),
                    dropout);
            dNormalized.close();
            kept.sums.get(i).close();
            kept.inverseRms.get(i).close();
            if (i == 0) {
                return dStream;
            }
            // Exchanges run one after the other: a sum started here would hold up the tokens of the next branch.
            held = !held && branches.get(i - 1).exchangesTokens();
            if (!held) {
                parameters.completeFrom(firstWeights.get(i));
            }
            dNormalized = branches.get(i - 1).backward(pass, saved(pass, kept, i - 1), dDelta);
            if (dDelta != dStream) {
                dDelta.close();
            }
        }
    }
}
