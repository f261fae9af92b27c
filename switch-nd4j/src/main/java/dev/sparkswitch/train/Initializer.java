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
import java.util.Map;
import java.util.function.LongToDoubleFunction;

/**
 * Weights to begin with: truncated normal with {@code sigma = sqrt(scale / fan_in)}, nothing past two sigma (Switch
 * Transformer, section 2.4). Queries are divided by sqrt(d_kv) besides, since attention is not scaled; embeddings have a
 * sigma of their own (1 in T5), position biases d_model^-0.5, norms are 1 (T5's released code). A weight depends on the seed and its own place alone,
 * never on the rank that holds it.
 */
public final class Initializer {
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
        Map<String, Integer> numbers = numbers(model.config());
        for (Parameter parameter : model.parameters().all()) {
            int number = numbers.get(parameter.spec().name());
            if (parameter.spec().kind() == ParameterSpec.Kind.NORM) {
                model.engine().fill(parameter.value(), 1);
            } else {
                fill(model, parameter.value(), values(model.config(), parameter.spec(), number));
            }
        }
    }

    /** The initial value of each element of a parameter of a model. */
    public LongToDoubleFunction values(T5Config config, ParameterSpec spec) {
        return values(config, spec, numbers(config).get(spec.name()));
    }

    private LongToDoubleFunction values(T5Config config, ParameterSpec spec, int number) {
        if (spec.kind() == ParameterSpec.Kind.NORM) {
            return element -> 1;
        }
        Philox source = RandomStream.INIT.at(seed, number, 0);
        double sigma = sigma(spec, config);
        return element -> sigma * Normal.truncated(source, element);
    }

    private static Map<String, Integer> numbers(T5Config config) {
        Map<String, Integer> numbers = new HashMap<>();
        for (ParameterSpec spec : ParameterSpecs.of(config)) {
            numbers.put(spec.name(), numbers.size());
        }
        return numbers;
    }

    private double sigma(ParameterSpec spec, T5Config config) {
        return switch (spec.kind()) {
            case EMBEDDING, HEAD -> embeddingSigma;
            case RELATIVE_BIAS -> 1 / Math.sqrt(config.modelSize());
            case PROJECTION -> {
                double sigma = Math.sqrt(scale / spec.fanIn());
                yield spec.name().endsWith(".q.weight") ? sigma / Math.sqrt(config.keySize()) : sigma;
            }
            case NORM -> throw new IllegalArgumentException("norms start at 1");
        };
    }

    private static void fill(SwitchTransformer model, Tensor target, LongToDoubleFunction values) {
        int size = Math.toIntExact(target.size());
        DType type = target.type();
        ByteBuffer bytes = ByteBuffer.allocateDirect(size * type.bytes()).order(ByteOrder.nativeOrder());
        for (int i = 0; i < size; i++) {
            if (type == DType.FLOAT64) {
                bytes.putDouble(i * Double.BYTES, values.applyAsDouble(i));
            } else {
                bytes.putFloat(i * Float.BYTES, (float) values.applyAsDouble(i));
            }
        }
        model.engine().upload(target, bytes);
    }
}
