package dev.sparkswitch.convert;

import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.SafetensorsType;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A model that is to be written: nothing of it is in memory until a tensor's turn has come, and then a piece at a time.
 *
 * @param config what it is
 * @param tensors every parameter once, in the order of {@link ParameterSpecs}
 */
public record ModelTensors(T5Config config, List<TensorSource> tensors) {
    public ModelTensors {
        tensors = List.copyOf(tensors);
    }

    /**
     * A stored model as it stands. Sending a tensor that holds an infinity or no number fails and names it.
     *
     * @param source must stay open until the tensors are written
     */
    public static ModelTensors of(ModelSource source) {
        String where = source.parameters().toString();
        return new ModelTensors(
                source.config(),
                ParameterSpecs.of(source.config()).stream()
                        .map(spec -> TensorSource.of(source.parameters(), spec.name())
                                .finite(where))
                        .toList());
    }

    /** The same model with every tensor in {@code type}. */
    public ModelTensors as(SafetensorsType type) {
        return new ModelTensors(
                config, tensors.stream().map(tensor -> tensor.as(type)).toList());
    }

    /** The type of its tensors; of the first one where they differ. */
    public SafetensorsType type() {
        return tensors.get(0).info().type();
    }

    /** The tensors by name. */
    Map<String, TensorSource> byName() {
        Map<String, TensorSource> byName = new TreeMap<>();
        tensors.forEach(tensor -> byName.put(tensor.info().name(), tensor));
        return byName;
    }
}
