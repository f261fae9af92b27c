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
        return of(teacher, teacher.config().toBuilder().dense().build(), initializer);
    }

    /**
     * A student of another size: what the teacher has under the same name and in the same shape is taken over, all else is
     * fresh. A student of fewer layers so gets the teacher's first ones.
     *
     * @param student a dense model
     */
    public static ModelTensors of(ModelTensors teacher, T5Config student, Initializer initializer) {
        CounterpartNames names = new CounterpartNames(student, teacher.config());
        FreshTensors fresh = new FreshTensors(student, initializer, teacher.type());
        Map<String, TensorSource> stored = teacher.byName();
        List<TensorSource> tensors = new ArrayList<>();
        for (ParameterSpec spec : ParameterSpecs.of(student)) {
            TensorSource source = stored.get(names.of(spec));
            boolean fits = source != null && source.info().shape().equals(spec.shape());
            tensors.add(fits ? source.renamed(spec.name()) : fresh.of(spec));
        }
        return new ModelTensors(student, tensors);
    }
}
