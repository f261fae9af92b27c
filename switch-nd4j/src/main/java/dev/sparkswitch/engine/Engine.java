package dev.sparkswitch.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Memory and the coarse operations that layers are made of. Operations return new tensors that the caller closes; closed
 * memory is reused by the next tensor of the same size, so that a step allocates nothing once the first has run.
 *
 * <p>Unless said otherwise floating-point operands are of {@link Precision#compute()}, "master" operands (parameters,
 * gradients, losses) of {@link Precision#master()}, and integer operands int32. Rows of a matrix are token positions. An
 * operand of a wrong shape is an {@link IllegalArgumentException} that names the operation and both shapes.
 *
 * <p>An engine belongs to one thread at a time, but for {@link #hostMemory}. Results do not depend on the number of threads that
 * it uses inside.
 */
public interface Engine extends AutoCloseable {
    /** The engine and what it runs on, in one line, for logs. */
    String description();

    /** The arithmetic of this engine. */
    Precision precision();

    /**
     * The type in which the gradients of projections, experts' among them, are to be held: {@link Precision#master()}, or a
     * narrower one that {@link #linearWeightGradient}, {@link #groupedLinearWeightGradient} and the optimizer's operations take in
     * its place. They are most of a model's parameters, and a step writes, sums over ranks and reads their gradients.
     */
    default DType matrixGradientType() {
        return precision().master();
    }

    /**
     * The moment at which everything that was started before is done: what times are taken by. Nothing waits for it, and
     * nothing is measured unless this is called.
     */
    Moment moment();

    // Memory

    /** A tensor with undefined contents. */
    Tensor allocate(DType type, int... shape);

    /**
     * A tensor of master type with undefined contents for a parameter: the engine may hold it in a form that its products
     * read fastest. Operations that take a parameter take no other tensor in its place.
     */
    Tensor allocateParameter(int... shape);

    /** Sets every element. */
    void fill(Tensor tensor, double value);

    /** Copies host memory in native byte order, from the buffer's position, to a contiguous tensor of the same type. */
    void upload(Tensor target, ByteBuffer source);

    /** Copies a contiguous tensor to host memory in native byte order, at the buffer's position. */
    void download(Tensor source, ByteBuffer target);

    /**
     * Starts a {@link #download} of what a contiguous tensor holds once the engine has done what it was asked for so far. The
     * host need not wait for it, and the tensor may be written to or closed meanwhile.
     */
    default Reading read(Tensor source) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(
                        Math.toIntExact(source.size() * source.type().bytes()))
                .order(ByteOrder.nativeOrder());
        download(source, bytes);
        return new Reading(source, () -> bytes);
    }

    /** {@link #download} of each source to the buffer at its place, in less time where there are many. */
    default void download(List<Tensor> sources, List<ByteBuffer> targets) {
        for (int i = 0; i < sources.size(); i++) {
            download(sources.get(i), targets.get(i));
        }
    }

    /**
     * Host memory in native byte order for many downloads, to which they are as quick as may be while the engine is open. Dear to
     * make, and therefore to be asked for from any thread, also while another uses the engine; it must have returned when the
     * engine is closed.
     */
    default ByteBuffer hostMemory(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    /** target = source or target += source; both of the same size and type. */
    void copy(Tensor source, Tensor target, Write write);

    /**
     * The turn between "by rank" and "by expert" around an exchange of tokens: the source, taken as [a, b, rest], becomes
     * [b, a, rest] under the given shape.
     */
    Tensor swapLeading(Tensor source, int a, int b, int... shape);

    /** The bytes of memory that tensors hold now, free blocks included. */
    long memoryBytes();

    // Products; w is [out, in] as in Hugging Face

    /** y[t, o] = sum_i x[t, i] w[o, i]: x [T, in], w [out, in] to [T, out]. */
    Tensor linear(Tensor x, Tensor w);

    /** dx = dy w: dy [T, out], w [out, in] to dx [T, in]. */
    void linearInputGradient(Tensor dy, Tensor w, Tensor dx, Write write);

    /** dw = dy^T x: dy [T, out], x [T, in] to dw [out, in]. */
    void linearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write);

    /** {@link #linear} for every expert: x [E, S, in], w [E, out, in] to [E, S, out]. */
    Tensor groupedLinear(Tensor x, Tensor w);

    /** {@link #linearInputGradient} for every expert: dy [E, S, out], w [E, out, in] to [E, S, in]. */
    Tensor groupedLinearInputGradient(Tensor dy, Tensor w);

    /** {@link #linearWeightGradient} for every expert: dy [E, S, out], x [E, S, in] to dw [E, out, in]. */
    void groupedLinearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write);

    // Residual stream

    /** What {@link #addNorm} makes: the new residual stream, its normalised copy, and 1 / RMS of each row. */
    record Normalized(Tensor sum, Tensor normalized, Tensor inverseRms) {}

    /**
     * sum = h + dropout(delta), normalized = sum / RMS(sum) * weight (T5's layer norm: no mean, no bias; the variance in
     * master precision).
     *
     * @param delta what the sublayer before added; null for none, in which case {@code sum} is {@code h} itself
     */
    Normalized addNorm(Tensor h, Tensor delta, Dropout dropout, Tensor weight, double epsilon);

    /**
     * The backward of {@link #addNorm}: {@code dSum} (the gradient that reaches the sum along the residual stream) becomes
     * the whole gradient of the sum, which is that of h.
     *
     * @param dNormalized the gradient of the normalised copy
     * @param dWeight the weight's gradient, master type
     * @param dropout of what was added to the stream before the norm; {@link Dropout#NONE} where nothing was
     * @return the gradient of what was added: dropout(dSum) as a new tensor, or dSum itself where nothing is dropped
     */
    Tensor addNormBackward(
            Tensor dNormalized,
            Tensor dSum,
            Tensor sum,
            Tensor inverseRms,
            Tensor weight,
            Tensor dWeight,
            Write write,
            Dropout dropout);

    /** dropout(x) as a new tensor; the backward of itself. */
    Tensor dropout(Tensor x, Dropout dropout);

    // Attention

    /** The bias of each (head, distance): table [buckets, heads] to [heads, queries + keys - 1], both of master type. */
    Tensor relativeBias(Tensor table, RelativePositions positions);

    /** Sums the bias's gradient [heads, queries + keys - 1] into the table's [buckets, heads], both of master type. */
    void relativeBiasGradient(Tensor dBias, RelativePositions positions, Tensor dTable, Write write);

    /** The result [rows * queries, heads * headSize] and what the backward pass needs. */
    record Attention(Tensor result, Tensor saved) {}

    /**
     * softmax(q k^T + bias) v for every row and head, unscaled as in T5. A query sees a key iff their segments are equal
     * and not 0, and the order allows it; a query that sees no key gets 0.
     *
     * @param dropout of the probabilities, taken as rows (row, head, query) of {@code keyLength} elements
     */
    Attention attention(AttentionShape shape, AttentionInputs inputs, Dropout dropout);

    /** The backward of {@link #attention}, from the gradient of its result. */
    void attentionBackward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention forward,
            Dropout dropout,
            Tensor dResult,
            AttentionGradients gradients);

    // Feed-forward

    /** dropout(activation(x)): [.., branches * f] to [.., f]; planes of the dropout are the first of three axes. */
    Tensor activation(Tensor x, Activation activation, Dropout dropout);

    /** The gradient of {@link #activation}'s x. */
    Tensor activationBackward(Tensor dy, Tensor x, Activation activation, Dropout dropout);

    /** The result of {@link #activate} and what its backward pass needs, which is the engine's own affair. */
    record Activated(Tensor result, Tensor saved) {}

    /** {@link #activation} of a tensor that is the engine's from here on: the result may take its place. */
    default Activated activate(Tensor x, Activation activation, Dropout dropout) {
        return new Activated(activation(x, activation, dropout), x);
    }

    /**
     * The gradient of the x that {@link #activate} took.
     *
     * @param dy the gradient of the result; the engine's from here on: what is returned may take its place
     * @return [.., branches * f]
     */
    default Tensor activateBackward(Tensor dy, Activated forward, Activation activation, Dropout dropout) {
        try (Tensor gradient = dy) {
            return activationBackward(gradient, forward.saved(), activation, dropout);
        }
    }

    /**
     * The gradient of the x that was activated, through the product that took the result: {@link #activateBackward} of
     * {@link #linearInputGradient}.
     *
     * @param dz the gradient [T, out] of what {@link #linear} made of the result
     * @param w what it was multiplied by [out, f]
     * @return [T, branches * f]
     */
    default Tensor activatedInputGradient(
            Tensor dz, Tensor w, Activated forward, Activation activation, Dropout dropout) {
        Tensor dy = allocate(dz.type(), forward.result().shape());
        linearInputGradient(dz, w, dy, Write.SET);
        return activateBackward(dy, forward, activation, dropout);
    }

    /** {@link #activatedInputGradient} for every expert: dz [E, S, out], w [E, out, f] to [E, S, branches * f]. */
    default Tensor groupedActivatedInputGradient(
            Tensor dz, Tensor w, Activated forward, Activation activation, Dropout dropout) {
        return activateBackward(groupedLinearInputGradient(dz, w), forward, activation, dropout);
    }

    // Embedding and loss

    /** dropout(table[ids]): ids [T], table [V, d] master type, to [T, d]. */
    Tensor embed(Tensor ids, Tensor table, Dropout dropout);

    /** dTable[ids] += dropout(dy), in the order of the ids. */
    void embedBackward(Tensor dy, Tensor ids, Tensor dTable, Dropout dropout);

    /**
     * The loss at every target position, nats: -log softmax(scale * hidden w^T)[target] with label smoothing, plus
     * {@code zLoss * logsumexp^2}; 0 where the target is negative.
     *
     * @param w the output head [V, d], master type
     * @return [T], master type
     */
    Tensor tokenLoss(Tensor hidden, Tensor w, Tensor targets, LossSettings settings);

    /** The losses [T], master type, and the gradient of the hidden states [T, d]. */
    record LossGradient(Tensor tokenLoss, Tensor dHidden) {}

    /**
     * {@link #tokenLoss} and, in the same pass over the vocabulary, the gradients of {@code weight * sum of the losses}. Never
     * holds [T, V] for the whole batch.
     *
     * @param dw the head's gradient, added to
     */
    LossGradient tokenLossGradient(
            Tensor hidden, Tensor w, Tensor targets, LossSettings settings, double weight, Tensor dw);

    /**
     * The losses of a student that learns from data and teacher, and in the same pass over the vocabulary the gradients of
     * {@code weight * sum of the losses}: at every position with a target
     * {@code (1 - alpha) CE(target, q) + alpha T^2 CE(p, q_T)} plus the settings' z-loss, where q is the student's
     * distribution, q_T its and p the teacher's at temperature T; 0 where the target is negative. T^2 keeps the soft part's
     * gradient as large as it is at T = 1 (Hinton et al. 2015). Never holds [tokens, V] for the whole batch; the teacher gets
     * no gradient.
     *
     * @param w the student's output head [V, d], master type
     * @param soft for the same positions and the same vocabulary
     * @param dw the head's gradient, added to
     */
    LossGradient distillationGradient(
            Tensor hidden,
            Tensor w,
            Tensor targets,
            SoftTargets soft,
            DistillationSettings settings,
            double weight,
            Tensor dw);

    /** scale * hidden w^T: [T, d], [V, d] to [T, V], master type; for generation. */
    Tensor logits(Tensor hidden, Tensor w, double scale);

    // Routing

    /**
     * A copy of x in the router's type, each element times U(1 - jitter, 1 + jitter) (Switch Transformer, section 2.2); the
     * experts never see it.
     *
     * @param noise the source of the numbers; inactive (rate 0) for none. Its rate is the jitter
     */
    Tensor routerInput(Tensor x, Dropout noise);

    /** dx += dy * noise: the backward of {@link #routerInput}. */
    void routerInputBackward(Tensor dy, Dropout noise, Tensor dx);

    /**
     * A copy of x in the router's type, each number rounded to the nearest bfloat16, ties to even: what a router of
     * {@link RouterPrecision#BF16} computes with.
     *
     * @param x master type, or a parameter
     */
    Tensor roundedToBf16(Tensor x);

    /** logits = x w^T in the router's type, no TF32: x [T, d], w [E, d], a parameter or of master type, to [T, E]. */
    Tensor routerLogits(Tensor x, Tensor w);

    /** Backward of {@link #routerLogits}: dx as a new tensor [T, d]; dw [E, d] is written. */
    Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write);

    /**
     * What {@link #routerScores} makes.
     *
     * @param logits [T, E], the router's type
     * @param input what the router saw, for the backward pass; null from an engine that makes it anew from x
     */
    record RouterScores(Tensor logits, Tensor input) {}

    /** {@link #routerLogits} of {@link #routerInput}, which an engine may do at once. */
    default RouterScores routerScores(Tensor x, Dropout noise, Tensor w) {
        Tensor input = routerInput(x, noise);
        return new RouterScores(routerLogits(input, w), input);
    }

    /**
     * The part of {@link #routerScores}' backward that needs no dx: writes dw [E, d].
     *
     * @param x what the scores are of, which an engine that left an input does not look at
     * @param input as {@link #routerScores} left it, or {@link #routerInput} made it
     * @return the gradient of the router's input, for {@link #routerScoresInputGradient}; null from an engine that makes it there
     */
    default Tensor routerScoresWeightGradient(
            Tensor dLogits, Tensor x, Tensor input, Dropout noise, Tensor w, Tensor dw, Write write) {
        return routerLogitsBackward(dLogits, input, w, dw, write);
    }

    /**
     * The other part: adds to dx [T, d].
     *
     * @param dInput as {@link #routerScoresWeightGradient} left it
     */
    default void routerScoresInputGradient(Tensor dLogits, Tensor dInput, Dropout noise, Tensor w, Tensor dx) {
        routerInputBackward(dInput, noise, dx);
    }

    /**
     * Brings tokens and experts together as the plan's policy says; ties go to the lower expert. Where tokens choose, in each
     * group the first choices of all tokens take slots in token order, then the second choices, and so on; a choice that finds
     * its expert full is dropped or rerouted.
     *
     * @param scores logits [T, E], router type; for {@link RoutingPolicy.Hash} the expert of each token [T], int32, and then
     *     the probabilities are 1 for it and 0 for others, the logsumexp 0
     * @param routed int32 [T]: 0 for positions that take no part (no slot, no loss)
     */
    Routing route(RoutingPlan plan, Tensor scores, Tensor routed);

    /**
     * The gradient of the router's logits: from the gates, plus {@code balanceWeight} times that of the sum over groups of
     * E * sum_i f_i P_i (of {@link ExpertShares} where sizes differ) where the policy is {@link RoutingPolicy#balanced}, plus {@code zWeight} times that of the sum over
     * routed tokens of logsumexp^2. A routing by {@link RoutingPolicy.Hash} has none: it is refused.
     *
     * @param dGate [E, S], router type
     */
    Tensor routeBackward(Routing routing, Tensor dGate, double balanceWeight, double zWeight);

    /** The tokens in their slots: x [T, d] to [E, S, d]; zeros in empty slots. */
    Tensor dispatch(Tensor x, Routing routing);

    /** dx [T, d] = sum over a token's slots of dSlots [E, S, d]. */
    Tensor dispatchBackward(Tensor dSlots, Routing routing);

    /** y[t] = sum over t's slots of gate * slots: [E, S, d] to [T, d]; 0 for a token without slot. */
    Tensor combine(Tensor slots, Routing routing);

    /** The gradients of the slots [E, S, d] and of the gates [E, S] (router type). */
    record CombineGradient(Tensor dSlots, Tensor dGate) {}

    /** The backward of {@link #combine}. */
    CombineGradient combineBackward(Tensor dy, Tensor slots, Routing routing);

    // Generation

    /**
     * The whole of the experts in a pass that is never turned back: {@link #combine} of {@code out * activation(in * slots)},
     * where the slots are those of {@link #dispatch}.
     *
     * <p>A routing without drops has as many slots an expert as there are tokens, of which all but one in {@code experts} are
     * empty. This form runs the plain operations over all of them, which costs little as long as reading the weights takes
     * longer than multiplying; an engine overrides it to leave the empty slots out, without bringing loads to the host if that
     * would make it wait.
     *
     * @param x [T, d]
     * @param in [E, branches * f, d]
     * @param out [E, d, f]
     * @return [T, d]; 0 for a token without slot
     */
    default Tensor experts(Tensor x, Routing routing, Tensor in, Activation activation, Tensor out) {
        try (Tensor slots = dispatch(x, routing);
                Tensor hidden = groupedLinear(slots, in);
                Tensor active = activation(hidden, activation, Dropout.NONE);
                Tensor results = groupedLinear(active, out)) {
            return combine(results, routing);
        }
    }

    /** cache[r, position, :] = rows[r, :]: rows [R, w] (columns welcome) into cache [R, positions, w]. */
    void append(Tensor rows, Tensor cache, int position);

    /** The rows of x named by {@code indices} (int32 [n]): [R, ..] to [n, ..]. */
    Tensor gatherRows(Tensor x, Tensor indices);

    // Optimizer

    /** The sum of squares over all tensors, master type, accumulated in float64. */
    double sumSquares(List<Tensor> tensors);

    /**
     * Told behind an update of the parameters: the next step runs the passes of the one before on the rows that come
     * {@code rows} after its own. What an engine makes of it shows in time alone, also where it turns out otherwise.
     */
    default void expectStep(long rows) {}

    /** One step of Adafactor for every slot. */
    void adafactor(AdafactorStep step, List<AdafactorSlot> slots);

    /** One step of AdamW for every slot. */
    void adamw(AdamWStep step, List<AdamWSlot> slots);

    /**
     * Whether steps of an optimizer, which read all gradients, sum their squares on the way: {@link #sumSquares} before a step
     * is then a reading that need not be.
     */
    default boolean stepsSumSquares() {
        return false;
    }

    /**
     * {@link #adafactor(AdafactorStep, List)}, which also sums squares.
     *
     * @param squares FLOAT64 [slots]: becomes the sum of squares of each slot's gradient
     */
    default void adafactor(AdafactorStep step, List<AdafactorSlot> slots, Tensor squares) {
        squares(slots.stream().map(AdafactorSlot::gradient).toList(), squares);
        adafactor(step, slots);
    }

    /**
     * {@link #adamw(AdamWStep, List)}, which also sums squares.
     *
     * @param squares FLOAT64 [slots]: becomes the sum of squares of each slot's gradient
     */
    default void adamw(AdamWStep step, List<AdamWSlot> slots, Tensor squares) {
        squares(slots.stream().map(AdamWSlot::gradient).toList(), squares);
        adamw(step, slots);
    }

    private void squares(List<Tensor> gradients, Tensor squares) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(gradients.size() * Double.BYTES).order(ByteOrder.nativeOrder());
        for (Tensor gradient : gradients) {
            bytes.putDouble(sumSquares(List.of(gradient)));
        }
        upload(squares, bytes.flip());
    }

    @Override
    void close();
}
