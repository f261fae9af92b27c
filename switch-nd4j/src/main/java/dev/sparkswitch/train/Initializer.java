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
import java.util.stream.IntStream;

/**
 * Weights to begin with: truncated normal with {@code sigma = sqrt(scale / fan_in)}, nothing past two sigma (Switch
 * Transformer, section 2.4). Queries are divided by sqrt(d_kv) besides, since attention is not scaled; embeddings have a
 * sigma of their own (1 in T5), position biases d_model^-0.5, norms are 1 (T5's released code). A weight depends on the seed and its own place alone,
 * never on the rank that holds it.
 */
public final class Initializer {
    /** Elements that are made before they go to the engine. */
    private static final int PIECE = 1 << 22;
    /** Elements that a thread makes at a time: a millisecond or two. */
    private static final int SHARE = 1 << 14;
    /** Random words that are made together. */
    private static final int WORDS = 4;

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
        ByteBuffer bytes = ByteBuffer.allocateDirect((int) Math.min(PIECE, largest(model)) * Double.BYTES)
                .order(ByteOrder.nativeOrder());
        for (Parameter parameter : model.parameters().all()) {
            int number = numbers.get(parameter.spec().name());
            if (parameter.spec().kind() == ParameterSpec.Kind.NORM) {
                model.engine().fill(parameter.value(), 1);
            } else {
                fill(model, parameter.value(), source(number), sigma(parameter.spec(), model.config()), bytes);
            }
        }
    }

    private static long largest(SwitchTransformer model) {
        long largest = 0;
        for (Parameter parameter : model.parameters().all()) {
            largest = Math.max(largest, parameter.value().size());
        }
        return largest;
    }

    /** The initial value of each element of a parameter of a model. */
    public LongToDoubleFunction values(T5Config config, ParameterSpec spec) {
        return values(config, spec, numbers(config).get(spec.name()));
    }

    private LongToDoubleFunction values(T5Config config, ParameterSpec spec, int number) {
        if (spec.kind() == ParameterSpec.Kind.NORM) {
            return element -> 1;
        }
        Philox source = source(number);
        double sigma = sigma(spec, config);
        return element -> sigma * Normal.truncated(source, element);
    }

    private Philox source(int number) {
        return RandomStream.INIT.at(seed, number, 0);
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

    /** Makes a tensor's elements by all of the process's threads, piece after piece: there may be tens of billions. */
    private static void fill(SwitchTransformer model, Tensor target, Philox source, double sigma, ByteBuffer bytes) {
        Tensor flat = target.axes() == 1 ? target : target.reshape(Math.toIntExact(target.size()));
        int size = flat.extent(0);
        for (int first = 0; first < size; first += PIECE) {
            int from = first;
            int count = Math.min(PIECE, size - from);
            bytes.clear();
            IntStream.range(0, (count + SHARE - 1) / SHARE)
                    .parallel()
                    .forEach(share -> put(
                            bytes,
                            target.type(),
                            source,
                            sigma,
                            from,
                            share * SHARE,
                            Math.min(count, (share + 1) * SHARE)));
            bytes.limit(count * target.type().bytes());
            model.engine().upload(flat.slice(from, from + count), bytes);
        }
    }

    /** Elements {@code from .. to - 1} of the piece that begins with the tensor's element {@code first}. */
    private static void put(ByteBuffer bytes, DType type, Philox source, double sigma, long first, int from, int to) {
        // Four numbers come at once, and a share begins with the first of four.
        int[] words = new int[SHARE];
        source.blocks((first + from) / WORDS, (to - from + WORDS - 1) / WORDS, words);
        for (int i = from; i < to; i++) {
            double value = sigma * Normal.truncated(words[i - from]);
            if (type == DType.FLOAT64) {
                bytes.putDouble(i * Double.BYTES, value);
            } else {
                bytes.putFloat(i * Float.BYTES, (float) value);
            }
        }
    }
}
