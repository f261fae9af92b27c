package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The loops of the host engine that are no products, on one thread, in float32: 2,048 rows of a model of width 256 with 4 heads
 * over 128 positions, 8 experts and a vocabulary of 8,000.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class HostLoopsBenchmark {
    private static final int ROWS = 2048;
    private static final int WIDTH = 256;
    private static final int INNER = 1024;
    private static final int EXPERTS = 8;
    private static final int VOCABULARY = 8000;
    /** Rows of logits that the loss takes at a time. */
    private static final int LOSS_ROWS = 256;

    private static final Dropout DROPOUT = Dropout.ofRows(0.1, RandomStream.DROPOUT.at(1, 2, 3), 0);
    private static final AttentionShape HEAD = new AttentionShape(1, 1, 64, 128, 128, AttentionShape.Order.FULL);
    private static final RoutingPlan PLAN = new RoutingPlan(1, 16, 128, 20, 16);

    private final Random random = new Random(4);
    private final Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
    private final HostThreads threads = new HostThreads(1);
    private final AttentionKernels attention = new FloatAttentionKernels(threads);
    private final TrainingKernels training = new FloatTrainingKernels(threads);
    private HostTensor x;
    private HostTensor y;
    private HostTensor sum;
    private HostTensor inverseRms;
    private HostTensor weight;
    private HostTensor inner;
    private HostTensor scores;
    private HostTensor bias;
    private HostTensor segments;
    private HostTensor logits;
    private HostTensor losses;
    private HostTensor targets;
    private HostTensor routerLogits;
    private HostTensor routed;
    private Routing routing;

    /** Fills the operands. */
    @Setup
    public void open() {
        x = floats(ROWS, WIDTH);
        y = floats(ROWS, WIDTH);
        sum = floats(ROWS, WIDTH);
        inverseRms = floats(ROWS);
        weight = floats(WIDTH);
        inner = floats(ROWS, INNER);
        scores = floats(128, 128);
        bias = floats(1, 255);
        segments = integers(1, 128);
        logits = floats(LOSS_ROWS, VOCABULARY);
        losses = floats(LOSS_ROWS);
        targets = integers(LOSS_ROWS);
        routerLogits = floats(ROWS, EXPERTS);
        routed = integers(ROWS);
        routing = engine.route(PLAN, routerLogits, routed);
    }

    private HostTensor floats(int... shape) {
        HostTensor tensor = (HostTensor) engine.allocate(DType.FLOAT32, shape);
        ByteBuffer bytes =
                ByteBuffer.allocateDirect((int) tensor.size() * Float.BYTES).order(ByteOrder.nativeOrder());
        while (bytes.hasRemaining()) {
            bytes.putFloat((float) random.nextGaussian());
        }
        engine.upload(tensor, bytes.flip());
        return tensor;
    }

    /** Ones. */
    private HostTensor integers(int... shape) {
        HostTensor tensor = (HostTensor) engine.allocate(DType.INT32, shape);
        engine.fill(tensor, 1);
        return tensor;
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        engine.close();
        threads.close();
    }

    /** Probabilities of one head; on its own results from the second time on, which takes as long. */
    @Benchmark
    public void softmax() {
        attention.softmax(HEAD, 0, 0, scores, bias, segments, segments);
    }

    /** The residual sum and its norm. */
    @Benchmark
    public void norm() {
        Engine.Normalized normalized = engine.addNorm(x, y, Dropout.NONE, weight, 1e-6);
        normalized.sum().close();
        normalized.normalized().close();
        normalized.inverseRms().close();
    }

    /** The norm's gradient. */
    @Benchmark
    public void normBackward() {
        engine.addNormBackward(x, y, sum, inverseRms, weight, weight, Write.SET, Dropout.NONE)
                .close();
        engine.fill(y, 1);
        engine.fill(weight, 1);
    }

    /** Random bits by Philox, and their effect. */
    @Benchmark
    public void dropout() {
        engine.dropout(x, DROPOUT).close();
    }

    /** The inner activation, with dropout. */
    @Benchmark
    public void activation() {
        engine.activation(inner, Activation.RELU, DROPOUT).close();
    }

    /** The loss of logits and their gradient, in place: from the second time on of that gradient, which takes as long. */
    @Benchmark
    public void crossEntropy() {
        training.tokenLossGradient(logits, targets, 0, new LossSettings(1, 0, 0), 1, losses);
    }

    /** Who goes to which expert. */
    @Benchmark
    public void route() {
        engine.route(PLAN, routerLogits, routed).close();
    }

    /** Tokens to the slots of their experts and back. */
    @Benchmark
    public void dispatchAndCombine() {
        try (Tensor slots = engine.dispatch(x, routing)) {
            engine.combine(slots, routing).close();
        }
    }
}
