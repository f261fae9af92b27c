package dev.sparkswitch.convert;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A dense student of a Switch teacher (Switch Transformer, section 4.2): a model of the same number of operations a token
 * that begins with all of the teacher's weights but the experts' and the routers'. The feed-forward layers that take the
 * experts' places are fresh.
 */
public final class DenseStudent {
    private DenseStudent() {}

    /**
     * The student.
     *
     * @throws UserException where the teacher has no experts
     */
    public static ModelTensors of(ModelTensors teacher, Initializer initializer) {
        if (teacher.config().sparse().isEmpty()) {
            throw new UserException("The teacher has no experts: a dense student of it would be the model itself.");
        }
        T5Config config = teacher.config().toBuilder().dense().build();
        CounterpartNames names = new CounterpartNames(config, teacher.config());
        FreshTensors fresh = new FreshTensors(config, initializer, teacher.type());
        Map<String, TensorSource> stored = teacher.byName();
        List<TensorSource> tensors = new ArrayList<>();
        for (ParameterSpec spec : ParameterSpecs.of(config)) {
            TensorSource source = stored.get(names.of(spec));
            tensors.add(source == null ? fresh.of(spec) : source.renamed(spec.name()));
        }
        return new ModelTensors(config, tensors);
    }
}
