package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Moves a model's weights between an engine and stored tensors, one tensor at a time. */
public final class ModelWeights {
    private ModelWeights() {}

    /**
     * Fills every parameter that this rank holds from {@code store}, converting types; a parameter may stand there under an
     * alias, such as {@code lm_head.weight} for a tied embedding.
     *
     * @throws UserException naming a tensor that is missing or of another shape
     */
    public static void load(SwitchTransformer model, TensorStore store) {
        Map<String, String> aliases = ParameterSpecs.aliases(model.config());
        for (Parameter parameter : model.parameters().all()) {
            String name = fitting(parameter.spec(), aliases, store);
            model.engine()
                    .upload(
                            parameter.value(),
                            store.read(name, parameter.value().type()));
        }
    }

    /**
     * Checks that {@link #load} would find all it needs for a model of {@code config}, without reading a tensor.
     *
     * @throws UserException naming a tensor that is missing or of another shape
     */
    public static void requireFit(T5Config config, TensorStore store) {
        Map<String, String> aliases = ParameterSpecs.aliases(config);
        for (ParameterSpec spec : ParameterSpecs.of(config)) {
            fitting(spec, aliases, store);
        }
    }

    /** The name under which the store holds a parameter, in the right shape. */
    private static String fitting(ParameterSpec spec, Map<String, String> aliases, TensorStore store) {
        String name = storedName(spec.name(), aliases, store);
        TensorInfo info = store.info(name);
        if (!info.shape().equals(spec.shape())) {
            throw new UserException("Tensor " + name + " of " + store + " has shape " + info.shape()
                    + ", but the model's settings ask for " + spec.shape()
                    + ": give the model the settings that belong to these weights.");
        }
        return name;
    }

    private static String storedName(String name, Map<String, String> aliases, TensorStore store) {
        if (!store.tensors().containsKey(name)) {
            for (Map.Entry<String, String> alias : aliases.entrySet()) {
                if (alias.getValue().equals(name) && store.tensors().containsKey(alias.getKey())) {
                    return alias.getKey();
                }
            }
        }
        return name;
    }

    /** A tensor of an engine, downloaded when its turn to be written has come. */
    public static TensorSource source(Engine engine, String name, Tensor tensor) {
        List<Integer> shape = Arrays.stream(tensor.shape()).boxed().toList();
        return TensorSource.of(name, tensor.type(), shape, () -> {
            ByteBuffer bytes = ByteBuffer.allocateDirect(
                            Math.toIntExact(tensor.size() * tensor.type().bytes()))
                    .order(ByteOrder.nativeOrder());
            engine.download(tensor, bytes);
            return bytes;
        });
    }
}
