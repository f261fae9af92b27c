package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Reading;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The encoder-decoder of T5 (Raffel et al. 2020) with Switch layers (Fedus et al. 2021) where its configuration has them. A
 * configuration without them is a plain T5.
 *
 * <p>The loss of a step is the mean cross-entropy over its targets, plus for every sparse layer {@code alpha} times the mean
 * over groups of {@code E * sum_i f_i P_i}, plus {@code z} times the mean squared logsumexp of its router.
 */
public final class SwitchTransformer implements AutoCloseable {
    private final Engine engine;
    private final T5Config config;
    private final Parallelism parallelism;
    private final Parameters parameters;
    private final Weight inputEmbedding;
    private final Weight targetEmbedding;
    private final Weight head;
    private final Encoder encoder;
    private final Decoder decoder;
    private final List<SparseLayer> sparseLayers;
    private final RoutingTotals routingTotals;
    private final int inputSite;
    private final int targetSite;

    /** A model with undefined weights: initialise or load them. */
    public SwitchTransformer(Engine engine, T5Config config, Parallelism parallelism) {
        config.requireConsistent();
        config.requirePrecision(engine.precision());
        this.engine = engine;
        this.config = config;
        this.parallelism = parallelism;
        Construction construction = new Construction(engine, config, parallelism);
        this.parameters = construction.parameters();
        this.inputEmbedding = parameters.single(construction.names().embedding(Stack.ENCODER));
        this.inputSite = construction.nextSite();
        this.encoder = new Encoder(construction);
        // Weights are made in the order in which a backward pass completes their gradients, turned round.
        this.targetEmbedding = switch (config.embedding()) {
            case SHARED -> inputEmbedding;
            case PER_STACK -> parameters.single(construction.names().embedding(Stack.DECODER));
        };
        this.targetSite = construction.nextSite();
        this.decoder = new Decoder(construction);
        this.head = config.head().tied() ? targetEmbedding : parameters.single(ParameterNames.HEAD);
        this.sparseLayers = construction.sparseLayers();
        this.routingTotals = construction.routingTotals();
        routingTotals.clear(engine);
    }

    private SwitchTransformer(SwitchTransformer original, Engine view) {
        this.engine = view;
        this.config = original.config;
        this.parallelism = original.parallelism;
        this.parameters = original.parameters;
        this.inputEmbedding = original.inputEmbedding;
        this.targetEmbedding = original.targetEmbedding;
        this.head = original.head;
        this.encoder = original.encoder;
        this.decoder = original.decoder;
        this.sparseLayers = original.sparseLayers;
        this.routingTotals = original.routingTotals;
        this.inputSite = original.inputSite;
        this.targetSite = original.targetSite;
    }

    /** This very model, whose passes call {@code view}, a way to its engine; closing one closes both. */
    public SwitchTransformer through(Engine view) {
        return new SwitchTransformer(this, view);
    }

    public T5Config config() {
        return config;
    }

    public Engine engine() {
        return engine;
    }

    public Parameters parameters() {
        return parameters;
    }

    Decoder decoder() {
        return decoder;
    }

    private LossSettings lossSettings(double labelSmoothing, double zLoss) {
        return new LossSettings(logitScale(), labelSmoothing, zLoss);
    }

    /** The factor of the hidden states before the head: d_model^-0.5 where the head asks for it. */
    double logitScale() {
        return config.head().scaled() ? 1 / Math.sqrt(config.modelSize()) : 1;
    }

    private Dropout embeddingDropout(StepSettings step, int site, long firstRow, int length) {
        return Dropout.ofRows(
                config.dropout(), RandomStream.DROPOUT.at(step.seed(), step.step(), site), firstRow * length);
    }

    private PassSettings settings(StepSettings step, Stack stack) {
        double balance = config.sparse().map(SwitchConfig::balanceLoss).orElse(0.0);
        double z = config.sparse().map(SwitchConfig::routerZLoss).orElse(0.0);
        long routed =
                switch (stack) {
                    case ENCODER -> step.routedInputs();
                    case DECODER -> step.routedTargets();
                };
        return new PassSettings(
                Phase.TRAIN,
                step.seed(),
                step.step(),
                new RouterWeights(balance / Math.max(1, step.groups()), z / Math.max(1, routed)),
                step.recomputation(),
                step.exchangeChunks());
    }

    /**
     * Forward and backward pass of one micro-batch: adds its part of the step's gradient to the parameters' gradients.
     *
     * @return the losses of all target positions [rows * targetLength], 0 where there is no target; they are on their way from
     *     the end of the forward pass on
     */
    public Reading train(Batch batch, StepSettings step) {
        LossSettings settings = lossSettings(step.labelSmoothing(), step.zLoss());
        return train(
                batch,
                step,
                (hidden, weight) -> engine.tokenLossGradient(
                        hidden, head.value(), batch.targets(), settings, weight, head.gradient()));
    }

    /**
     * {@link #train} of a student: the loss of each target is {@link Engine#distillationGradient}'s.
     *
     * @param soft the teacher's distributions at the batch's target positions
     * @param softShare alpha, the weight of the teacher's part
     * @param temperature of the teacher's part
     */
    public Reading distil(Batch batch, StepSettings step, SoftTargets soft, double softShare, double temperature) {
        DistillationSettings settings =
                new DistillationSettings(lossSettings(step.labelSmoothing(), step.zLoss()), softShare, temperature);
        return train(
                batch,
                step,
                (hidden, weight) -> engine.distillationGradient(
                        hidden, head.value(), batch.targets(), soft, settings, weight, head.gradient()));
    }

    /**
     * What this model, as a teacher, says of the batch's target positions, without dropout and with the evaluation's
     * capacity. The caller closes the hidden states.
     */
    public SoftTargets.OfTeacher softTargets(Batch batch) {
        Tensor hidden = decoderOutput(batch, PassSettings.forwardOnly(Phase.EVALUATE));
        return new SoftTargets.OfTeacher(hidden, head.value(), logitScale());
    }

    /** The end of a forward pass and the beginning of the backward one, from the decoder's output. */
    private interface LossPass {
        Engine.LossGradient differentiate(Tensor hidden, double weight);
    }

    private Reading train(Batch batch, StepSettings step, LossPass lossPass) {
        PassSettings encoderSettings = settings(step, Stack.ENCODER);
        PassSettings decoderSettings = settings(step, Stack.DECODER);
        Dropout inputDropout = embeddingDropout(step, inputSite, batch.firstRow(), batch.inputLength());
        Dropout targetDropout = embeddingDropout(step, targetSite, batch.firstRow(), batch.targetLength());

        Encoder.Forward encoded = encoder.forward(
                engine, batch, encoderSettings, engine.embed(batch.inputs(), inputEmbedding.value(), inputDropout));
        Decoder.Forward decoded = decoder.forward(
                engine,
                batch,
                decoderSettings,
                engine.embed(batch.decoderInputs(), targetEmbedding.value(), targetDropout),
                encoded.output());

        for (Weight table : new LinkedHashSet<>(List.of(inputEmbedding, targetEmbedding, head))) {
            addable(table);
        }
        Engine.LossGradient loss = lossPass.differentiate(decoded.output(), 1.0 / Math.max(1, step.targetTokens()));
        Reading losses = engine.read(loss.tokenLoss());
        loss.tokenLoss().close();
        routingTotals.read(engine);
        Tensor dMemory =
                engine.allocate(encoded.output().type(), encoded.output().shape());
        engine.fill(dMemory, 0);
        try (Tensor dTargets = decoder.backward(decoded, loss.dHidden(), dMemory)) {
            engine.embedBackward(dTargets, batch.decoderInputs(), targetEmbedding.gradient(), targetDropout);
        }
        try (Tensor dInputs = encoder.backward(encoded, dMemory)) {
            engine.embedBackward(dInputs, batch.inputs(), inputEmbedding.gradient(), inputDropout);
        }
        parameters.completeFrom(0);
        return losses;
    }

    /** Makes a gradient ready for operations that only add. */
    private void addable(Weight weight) {
        if (weight.nextWrite() == Write.SET) {
            engine.fill(weight.gradient(), 0);
        }
    }

    /**
     * The losses of all target positions [rows * targetLength], master type, without dropout, smoothing or z-loss; 0 where
     * there is no target.
     */
    public Tensor tokenLosses(Batch batch) {
        return tokenLosses(batch, Phase.EVALUATE);
    }

    /** {@link #tokenLosses(Batch)} in a pass of {@code phase}, which decides on the experts' capacity. */
    public Tensor tokenLosses(Batch batch, Phase phase) {
        try (Tensor hidden = decoderOutput(batch, PassSettings.forwardOnly(phase))) {
            return engine.tokenLoss(hidden, head.value(), batch.targets(), lossSettings(0, 0));
        }
    }

    /** The logits of all target positions [rows * targetLength, V], master type. */
    public Tensor logits(Batch batch, Phase phase) {
        try (Tensor hidden = decoderOutput(batch, PassSettings.forwardOnly(phase))) {
            return logits(hidden);
        }
    }

    /** The logits [T, V] of the decoder's output [T, d_model]. */
    Tensor logits(Tensor hidden) {
        return engine.logits(hidden, head.value(), logitScale());
    }

    private Tensor decoderOutput(Batch batch, PassSettings settings) {
        try (Tensor encoded = encode(batch, settings)) {
            Decoder.Forward decoded = decoder.forward(
                    engine,
                    batch,
                    settings,
                    engine.embed(batch.decoderInputs(), targetEmbedding.value(), Dropout.NONE),
                    encoded);
            decoded.pass().bias().close();
            decoded.stack().kept().close();
            return decoded.output();
        }
    }

    /** The encoder's output [rows * inputLength, d_model]. */
    public Tensor encode(Batch batch, PassSettings settings) {
        return encoder.run(engine, batch, settings, engine.embed(batch.inputs(), inputEmbedding.value(), Dropout.NONE));
    }

    /** The decoder's embeddings [n, d_model] of ids. */
    Tensor embed(Tensor ids) {
        return engine.embed(ids, targetEmbedding.value(), Dropout.NONE);
    }

    /** The names of the sparse layers, encoder first. */
    public List<String> sparseLayerNames() {
        return sparseLayers.stream().map(SparseLayer::name).toList();
    }

    /**
     * Takes the sums of {@link dev.sparkswitch.engine.RoutingStatistics} that this rank's passes have gathered since the last
     * call, one vector a sparse layer.
     */
    public List<double[]> takeRoutingStatistics() {
        return routingTotals.take(engine);
    }

    /**
     * The greatest of the numbers that the ranks of this rank's exchange of tokens bring: they must run every pass together,
     * so that all go on as long as one has to. Every one of them calls it; alone, a rank need not ask.
     */
    public int greatestInExchange(int own) {
        RankGroup group = parallelism.placement().exchangeGroup(parallelism.rank());
        if (config.sparse().isEmpty() || group.size() == 1) {
            return own;
        }
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(group.size() * Double.BYTES).order(ByteOrder.nativeOrder());
        bytes.putDouble(group.indexOf(parallelism.rank()) * Double.BYTES, own);
        int greatest = 0;
        try (Tensor numbers = engine.allocate(DType.FLOAT64, group.size())) {
            engine.upload(numbers, bytes);
            parallelism.collectives().allReduceSum(numbers, group);
            engine.download(numbers, bytes);
        }
        for (int rank = 0; rank < group.size(); rank++) {
            greatest = Math.max(greatest, (int) bytes.getDouble(rank * Double.BYTES));
        }
        return greatest;
    }

    /** The elements of a tensor. */
    public double[] download(Tensor tensor) {
        return engine.read(tensor).values();
    }

    @Override
    public void close() {
        parameters.close();
        sparseLayers.forEach(SparseLayer::close);
        routingTotals.close();
    }
}
