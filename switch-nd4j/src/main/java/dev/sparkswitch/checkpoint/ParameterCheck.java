package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.ParameterSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Compares the tensors of a folder with the parameters that its configuration calls for. */
final class ParameterCheck {
    private static final int NAMED_AT_MOST = 5;

    private ParameterCheck() {}

    /**
     * Checks names, shapes and that all are floating-point.
     *
     * @param tensors what there is, under the parameters' own names
     * @param where the folder, for messages
     * @throws UserException naming the tensors that are missing, surplus or of another shape
     */
    static void require(List<ParameterSpec> specs, Map<String, TensorInfo> tensors, String where) {
        List<String> faults = new ArrayList<>();
        Map<String, TensorInfo> surplus = new TreeMap<>(tensors);
        for (ParameterSpec spec : specs) {
            TensorInfo info = surplus.remove(spec.name());
            if (info == null) {
                faults.add(spec.name() + " is missing");
            } else if (!info.shape().equals(spec.shape())) {
                faults.add(spec.name() + " has shape " + info.shape() + " instead of " + spec.shape());
            } else if (!info.type().isFloating()) {
                faults.add(spec.name() + " holds " + info.type() + " instead of floating-point numbers");
            }
        }
        for (String name : surplus.keySet()) {
            faults.add(name + " belongs to no parameter");
        }
        if (!faults.isEmpty()) {
            int more = faults.size() - NAMED_AT_MOST;
            throw new UserException("The tensors of " + where + " do not fit its config.json: "
                    + String.join("; ", faults.subList(0, Math.min(NAMED_AT_MOST, faults.size())))
                    + (more > 0 ? "; and " + more + " more" : "") + ".");
        }
    }
}
