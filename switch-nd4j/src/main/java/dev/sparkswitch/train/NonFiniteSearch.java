package dev.sparkswitch.train;

import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.SwitchTransformer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Looks for the first operation of an engine that gives a number which is not finite. Operations are counted, and every rank
 * of a world runs the same ones in the same order, so that what ranks have found can be put in order.
 */
final class NonFiniteSearch {
    /** The report of a rank whose numbers are all finite. */
    static final String NOTHING = "";

    private static final String SEPARATOR = "|";
    /** The number of what was there before the first operation. */
    private static final long BEFORE = 0;
    /** Operations whose results nobody has written yet. */
    private static final Set<String> UNDEFINED = Set.of("allocate", "allocateParameter");
    /** Elements that are brought to the host at a time. */
    private static final int PIECE = 1 << 22;

    private final SwitchTransformer model;
    private final Engine engine;
    private final Map<Tensor, String> names;
    private String place = "";
    private long operations;
    private String report = NOTHING;

    /** A search on the engine of {@code model}, whose parameters it names. */
    NonFiniteSearch(SwitchTransformer model) {
        this.model = model;
        this.engine = model.engine();
        this.names = model.parameters().operands();
    }

    /** The engine, each of whose operations is looked at until something is found. */
    Engine watched() {
        return (Engine) Proxy.newProxyInstance(
                Engine.class.getClassLoader(),
                new Class<?>[] {Engine.class},
                (proxy, method, arguments) -> run(method, arguments == null ? new Object[0] : arguments));
    }

    /** What was found, for {@link #earliest}. */
    String report() {
        return report;
    }

    /** In words, the earliest of what the ranks have found, from their reports in rank order. */
    static String earliest(List<String> reports) {
        long first = Long.MAX_VALUE;
        String text = "run again, every operation gives finite numbers, and only their sums over the step do not";
        for (int rank = 0; rank < reports.size(); rank++) {
            String[] parts = reports.get(rank).split("\\" + SEPARATOR, 2);
            if (parts.length == 2 && Long.parseLong(parts[0]) < first) {
                first = Long.parseLong(parts[0]);
                text = parts[1] + (reports.size() == 1 ? "" : " on rank " + rank);
            }
        }
        return text;
    }

    /** Looks at the parameters themselves, which an update may have spoiled. */
    void lookAtParameters() {
        for (Parameter parameter : model.parameters().all()) {
            look(
                    BEFORE,
                    parameter.value(),
                    "numbers that are not finite stood in the parameter "
                            + parameter.spec().name() + " before the step");
        }
    }

    private Object run(Method method, Object... arguments) throws Throwable {
        Object result;
        try {
            result = method.invoke(engine, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        String operation = method.getName();
        if (report.equals(NOTHING) && !UNDEFINED.contains(operation)) {
            operations++;
            String own = "";
            List<Tensor> made = new ArrayList<>(made(result));
            for (Object argument : arguments) {
                if (argument instanceof Tensor tensor && names.containsKey(tensor)) {
                    own = names.get(tensor);
                }
                made.addAll(made(argument));
            }
            place = own.isEmpty() ? place : own;
            String where = own.isEmpty() ? behind() : " with " + own;
            for (Tensor tensor : made) {
                look(operations, tensor, "numbers that are not finite first come out of " + operation + where);
            }
        }
        return result;
    }

    private String behind() {
        return place.isEmpty() ? "" : ", behind " + place;
    }

    /** The tensors that an operation has written if this is its result or its argument; also some that it only read. */
    private static List<Tensor> made(Object value) {
        if (value instanceof Tensor tensor) {
            return List.of(tensor);
        }
        if (value instanceof Engine.Normalized normalized) {
            return List.of(normalized.sum(), normalized.normalized(), normalized.inverseRms());
        }
        if (value instanceof Engine.Attention attention) {
            return List.of(attention.result());
        }
        if (value instanceof Engine.LossGradient loss) {
            return List.of(loss.tokenLoss(), loss.dHidden());
        }
        if (value instanceof Engine.CombineGradient gradient) {
            return List.of(gradient.dSlots(), gradient.dGate());
        }
        if (value instanceof Routing routing) {
            return List.of(routing.probabilities(), routing.gateOfSlot());
        }
        if (value instanceof AttentionGradients gradients) {
            return Arrays.asList(gradients.dq(), gradients.dk(), gradients.dv(), gradients.dBias());
        }
        return List.of();
    }

    private void look(long operation, Tensor tensor, String text) {
        if (!report.equals(NOTHING) || tensor == null || tensor.size() == 0 || !isFloating(tensor.type())) {
            return;
        }
        if (tensor.rowStride() == tensor.extent(-1) || tensor.rows() <= 1) {
            count(operation, tensor, text);
            return;
        }
        int width = tensor.extent(-1);
        try (Tensor contiguous = engine.allocate(tensor.type(), tensor.rows(), 1, width)) {
            engine.append(tensor, contiguous, 0);
            count(operation, contiguous.reshape(tensor.shape()), text);
        }
    }

    private static boolean isFloating(DType type) {
        return switch (type) {
            case FLOAT64, FLOAT32, BFLOAT16 -> true;
            case INT32, INT64 -> false;
        };
    }

    /** A sum that is finite says that all of its terms are; one that is not, no more than that some number is large. */
    private void count(long operation, Tensor tensor, String text) {
        if (Double.isFinite(engine.sumSquares(List.of(tensor)))) {
            return;
        }
        long missing = 0;
        long infinite = 0;
        int rows = tensor.extent(0);
        int each = (int) Math.max(1, PIECE / Math.max(1, tensor.size() / rows));
        for (int row = 0; row < rows; row += each) {
            for (double value : model.download(tensor.slice(row, Math.min(rows, row + each)))) {
                missing += Double.isNaN(value) ? 1 : 0;
                infinite += Double.isInfinite(value) ? 1 : 0;
            }
        }
        if (missing + infinite > 0) {
            report = operation + SEPARATOR + text + " (" + missing + " NaN and " + infinite + " infinite in " + tensor
                    + ")";
        }
    }
}
