package dev.sparkswitch.train;

import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.FeedForward;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.Stack;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import java.util.List;
import java.util.Locale;

/**
 * The memory outside the heap that a rank on a processor needs, in bytes. All but the activations is exact; these are
 * estimated from what each branch keeps for its backward pass and what the largest one takes besides.
 *
 * @param parameters weights
 * @param gradients theirs
 * @param optimizer the optimizer's state
 * @param activations what a micro-batch keeps and uses
 * @param copies what a checkpoint is written from
 * @param others other models beside the one that is trained, such as a teacher
 */
public record TrainingMemory(
        long parameters, long gradients, long optimizer, long activations, long copies, long others) {
    /** Blocks of sizes that come once in a step are kept for the next, and the two stacks have different ones. */
    private static final double SLACK = 1.3;

    /**
     * The need of one rank.
     *
     * @param placement of the experts in the world
     * @param inputLength input positions of a row
     * @param targetLength target positions of a row
     * @throws dev.sparkswitch.base.UserException where the step's rows cannot be spread over the ranks
     */
    public static TrainingMemory of(
            T5Config model,
            TrainingConfig config,
            ExpertPlacement placement,
            Precision precision,
            int inputLength,
            int targetLength) {
        long dense = 0;
        long experts = 0;
        long denseState = 0;
        long expertState = 0;
        for (ParameterSpec spec : ParameterSpecs.of(model)) {
            if (spec.role() == Role.EXPERT) {
                experts += spec.count();
                expertState += state(config, spec);
            } else {
                dense += spec.count();
                denseState += state(config, spec);
            }
        }
        experts /= placement.expertParallel();
        expertState /= placement.expertParallel();
        int groupRows =
                model.sparse().map(sparse -> sparse.capacity().rowsOfGroup()).orElse(1);
        int rows = config.microRows(placement.worldSize(), groupRows);
        Activations activations = new Activations(model, config.recomputation());
        activations.add(Stack.ENCODER, (long) rows * inputLength, 0, groupRows * inputLength);
        activations.add(Stack.DECODER, (long) rows * targetLength, (long) rows * inputLength, groupRows * targetLength);
        long master = precision.master().bytes();
        return new TrainingMemory(
                master * (dense + experts),
                master * (dense + experts),
                master * (denseState + expertState),
                (long) (SLACK * precision.compute().bytes() * activations.values()),
                master * ((dense + denseState) / placement.worldSize() + experts + expertState),
                0);
    }

    /**
     * The same with another model beside it, which has the room for gradients that every model has. What it keeps while it
     * answers is less than what the trained one keeps, and is not counted.
     *
     * @param placement of its experts
     */
    public TrainingMemory with(T5Config other, ExpertPlacement placement, Precision precision) {
        long dense = 0;
        long experts = 0;
        for (ParameterSpec spec : ParameterSpecs.of(other)) {
            dense += spec.role() == Role.EXPERT ? 0 : spec.count();
            experts += spec.role() == Role.EXPERT ? spec.count() : 0;
        }
        long values = dense + experts / placement.expertParallel();
        return new TrainingMemory(
                parameters,
                gradients,
                optimizer,
                activations,
                copies,
                others + 2 * precision.master().bytes() * values);
    }

    /** The values that the optimizer keeps of a parameter. */
    private static long state(TrainingConfig config, ParameterSpec spec) {
        return switch (config.optimizer()) {
            case ADAMW -> 2 * spec.count();
            case ADAFACTOR -> {
                List<Integer> shape = spec.shape();
                boolean factored = shape.size() == 2
                        && Math.min(shape.get(0), shape.get(1))
                                >= config.adafactor().minFactoredDim();
                yield factored ? (long) shape.get(0) + shape.get(1) : spec.count();
            }
        };
    }

    /** Counts the values that a micro-batch keeps, and those of its largest branch. */
    private static final class Activations {
        private final T5Config model;
        private final Recomputation recomputation;
        private long kept;
        private long largest;

        private Activations(T5Config model, Recomputation recomputation) {
            this.model = model;
            this.recomputation = recomputation;
        }

        private void add(Stack stack, long tokens, long memoryTokens, int groupTokens) {
            long width = model.modelSize();
            long attention = model.attentionSize();
            for (int layer = 0; layer < model.layers(stack); layer++) {
                branch(tokens, tokens * (width + 4 * attention + 2L * model.heads()));
                if (stack == Stack.DECODER) {
                    branch(
                            tokens,
                            tokens * (width + 2 * attention + 2L * model.heads()) + 2 * attention * memoryTokens);
                }
                branch(
                        tokens,
                        model.sparse(stack, layer)
                                ? experts(model.sparseLayer(stack, layer), tokens, groupTokens)
                                : dense(tokens));
            }
            // The stack's result, its gradient, that of the stream, and what is added to it.
            kept += 4 * tokens * width;
        }

        private void branch(long tokens, long inside) {
            kept += tokens * model.modelSize();
            largest = Math.max(largest, inside);
            switch (recomputation) {
                case NONE -> kept += inside;
                case BRANCHES -> {
                    // Made again when its turn comes.
                }
            }
        }

        private long inner() {
            return (model.feedForward() == FeedForward.GATED_GELU ? 3L : 2L) * model.feedForwardSize();
        }

        private long dense(long tokens) {
            return tokens * (model.modelSize() + inner());
        }

        private long experts(SwitchConfig sparse, long tokens, int groupTokens) {
            long slots = tokens / groupTokens * sparse.experts() * sparse.capacity(groupTokens, Phase.TRAIN);
            return tokens * (2L * model.modelSize() + 2L * sparse.experts())
                    + slots * (2L * model.modelSize() + inner());
        }

        private long values() {
            // A backward pass holds a branch's inside, its gradients, and blocks of the branches before, of other
            // sizes.
            return kept + 4 * largest;
        }
    }

    /** What the engine holds. */
    public long engineBytes() {
        return parameters + gradients + optimizer + activations + others;
    }

    /** All of it. */
    public long bytes() {
        return engineBytes() + copies;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s MiB outside the heap: weights %s, gradients %s, optimizer %s, activations about %s, copies for"
                        + " checkpoints %s%s",
                mebibytes(bytes()),
                mebibytes(parameters),
                mebibytes(gradients),
                mebibytes(optimizer),
                mebibytes(activations),
                mebibytes(copies),
                others == 0 ? "" : ", other models " + mebibytes(others));
    }

    private static long mebibytes(long bytes) {
        return (bytes + (1 << 20) - 1) >> 20;
    }
}
