package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchTransformer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
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
            String name = storedName(parameter.spec().name(), aliases, store);
            TensorInfo info = store.info(name);
            if (!info.shape().equals(parameter.spec().shape())) {
                throw new UserException("Tensor " + name + " of " + store + " has shape " + info.shape()
                        + ", but the configuration asks for " + parameter.spec().shape()
                        + ": use the config.json that belongs to these weights.");
            }
            model.engine()
                    .upload(
                            parameter.value(),
                            store.read(name, parameter.value().type()));
        }
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

    /** The parameters that this rank holds, downloaded one at a time as they are written. */
    public static List<TensorSource> sources(SwitchTransformer model) {
        List<TensorSource> sources = new ArrayList<>();
        for (Parameter parameter : model.parameters().all()) {
            Tensor value = parameter.value();
            sources.add(TensorSource.of(
                    parameter.spec().name(), value.type(), parameter.spec().shape(), () -> {
                        ByteBuffer bytes = ByteBuffer.allocateDirect(Math.toIntExact(
                                        value.size() * value.type().bytes()))
                                .order(ByteOrder.nativeOrder());
                        model.engine().download(value, bytes);
                        return bytes;
                    }));
        }
        return sources;
    }
}
