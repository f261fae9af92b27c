package dev.sparkswitch.train;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.special.Erf;

/**
 * Weights to begin with: truncated normal with {@code sigma = sqrt(scale / fan_in)}, nothing past two sigma (Switch
 * Transformer, section 2.4). Queries are divided by sqrt(d_kv) besides, since attention is not scaled; embeddings have a
 * sigma of their own (1 in T5), position biases d_model^-0.5, norms are 1 (T5's released code). A weight depends on the seed and its own place alone,
 * never on the rank that holds it.
 */
public final class Initializer {
    /** Phi(-2): the share of a normal distribution below two sigma. */
    private static final double BELOW = 0.5 * Erf.erfc(2 / Math.sqrt(2));

    private final long seed;
    private final double scale;
    private final double embeddingSigma;

    /**
     * An initializer.
     *
     * @param seed the run's seed
     * @param scale s; 0.1 trains stably where 1.0 does not (table 3)
     * @param embeddingSigma sigma of embeddings and of a head of its own
     */
    public Initializer(long seed, double scale, double embeddingSigma) {
        this.seed = seed;
        this.scale = scale;
        this.embeddingSigma = embeddingSigma;
    }

    /** Fills every parameter that the model's rank holds. */
    public void initialize(SwitchTransformer model) {
        Map<String, Integer> numbers = new HashMap<>();
        List<ParameterSpec> specs = ParameterSpecs.of(model.config());
        for (int i = 0; i < specs.size(); i++) {
            numbers.put(specs.get(i).name(), i);
        }
        for (Parameter parameter : model.parameters().all()) {
            ParameterSpec spec = parameter.spec();
            if (spec.kind() == ParameterSpec.Kind.NORM) {
                model.engine().fill(parameter.value(), 1);
            } else {
                Philox source = RandomStream.INIT.at(seed, numbers.get(spec.name()), 0);
                fill(model, parameter.value(), source, sigma(spec, model.config()));
            }
        }
    }

    private double sigma(ParameterSpec spec, T5Config config) {
        return switch (spec.kind()) {
            case EMBEDDING, HEAD -> embeddingSigma;
            case RELATIVE_BIAS -> 1 / Math.sqrt(config.modelSize());
            case PROJECTION -> {
                double sigma = Math.sqrt(scale / spec.fanIn());
                yield spec.name().endsWith("Attention.q.weight") ? sigma / Math.sqrt(config.keySize()) : sigma;
            }
            case NORM -> throw new IllegalArgumentException("norms start at 1");
        };
    }

    private static void fill(SwitchTransformer model, Tensor target, Philox source, double sigma) {
        int size = Math.toIntExact(target.size());
        DType type = target.type();
        ByteBuffer bytes = ByteBuffer.allocateDirect(size * type.bytes()).order(ByteOrder.nativeOrder());
        for (int i = 0; i < size; i++) {
            double uniform = BELOW + (1 - 2 * BELOW) * source.uniform(i);
            double value = sigma * Math.sqrt(2) * Erf.erfInv(2 * uniform - 1);
            if (type == DType.FLOAT64) {
                bytes.putDouble(i * Double.BYTES, value);
            } else {
                bytes.putFloat(i * Float.BYTES, (float) value);
            }
        }
        model.engine().upload(target, bytes);
    }
}
