package dev.sparkswitch.train;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Share;
import dev.sparkswitch.model.SwitchTransformer;
import java.util.Locale;

/**
 * Bytes of an engine's memory that a run holds from its first step to its last.
 *
 * @param parameters weights
 * @param gradients theirs
 * @param optimizer the optimizer's state
 */
public record HeldMemory(long parameters, long gradients, long optimizer) {
    private static final double GIB = 1L << 30;

    /** What a model and its optimizer hold. */
    public static HeldMemory of(SwitchTransformer model, Optimizer optimizer) {
        long parameters = 0;
        for (Parameter parameter : model.parameters().all()) {
            parameters += bytes(parameter.value());
        }
        long gradients = 0;
        for (Share share : Share.values()) {
            for (Tensor block : model.parameters().gradients(share)) {
                gradients += bytes(block);
            }
        }
        long state = 0;
        for (Optimizer.StateTensor tensor : optimizer.state()) {
            state += bytes(tensor.value());
        }
        return new HeldMemory(parameters, gradients, state);
    }

    private static long bytes(Tensor tensor) {
        return tensor.size() * tensor.type().bytes();
    }

    /** All of them. */
    public long total() {
        return parameters + gradients + optimizer;
    }

    /**
     * What to do where a step finds no memory beside this.
     *
     * @param config how the step is cut
     * @param microRows rows at a time
     * @param groupRows rows of a routing group, which stay together
     */
    String advice(TrainingConfig config, int microRows, int groupRows) {
        String held = String.format(
                Locale.ROOT,
                "Weights take %.2f GiB, gradients %.2f, the optimizer %.2f; the rest is for %d rows at a time",
                parameters / GIB,
                gradients / GIB,
                optimizer / GIB,
                microRows);
        StringBuilder less = new StringBuilder();
        if (microRows % (2 * groupRows) == 0) {
            less.append(String.format(
                    Locale.ROOT, ", accumulation=%d makes them %d", 2 * config.accumulation(), microRows / 2));
        }
        switch (config.recomputation()) {
            case NONE -> less.append(", recomputation=branches keeps less of each");
            case BRANCHES -> {}
        }
        return held + (less.isEmpty() ? "" : ":" + less.substring(1)) + ".";
    }
}
