package dev.sparkswitch.engine.nd4j;

import static dev.sparkswitch.engine.nd4j.Nd4jEngine.require;
import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.NONE;
import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.TRANSPOSED;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.SoftTargets;
import java.util.Arrays;

/** The output head on the host: logits, losses and their gradients, a piece of the rows at a time. */
final class HostLoss {
    /** Rows of logits that are held at a time: bounds the memory. */
    private static final int ROWS = 256;

    private final HostMemory memory;
    private final DType type;
    private final Products products;
    private final TrainingKernels trainings;
    private final DistillationKernels distillations;

    HostLoss(
            HostMemory memory,
            DType type,
            Products products,
            TrainingKernels trainings,
            DistillationKernels distillations) {
        this.memory = memory;
        this.type = type;
        this.products = products;
        this.trainings = trainings;
        this.distillations = distillations;
    }

    private HostTensor floating(int... shape) {
        return HostTensor.owner(memory, type, shape);
    }

    /** See {@link Engine#logits}. */
    HostTensor logits(HostTensor hidden, HostTensor w, double scale) {
        require(hidden.extent(1) == w.extent(1), "logits", hidden, w);
        HostTensor y = floating(hidden.rows(), w.extent(0));
        products.product(hidden.rows(), w.extent(0), w.extent(1), scale, hidden, NONE, w, TRANSPOSED, 0, y);
        return y;
    }

    /** See {@link Engine#tokenLoss}. */
    HostTensor tokenLoss(HostTensor hidden, HostTensor w, HostTensor targets, LossSettings settings) {
        require(hidden.extent(1) == w.extent(1), "tokenLoss", hidden, w);
        HostTensor losses = floating(hidden.rows());
        for (int first = 0; first < hidden.rows(); first += ROWS) {
            int last = Math.min(hidden.rows(), first + ROWS);
            try (HostTensor part = logits(hidden.slice(first, last), w, settings.logitScale())) {
                trainings.tokenLoss(part, targets, first, settings, losses);
            }
        }
        return losses;
    }

    /** Turns a piece's logits into their gradient and notes the losses. */
    private interface Piece {
        void differentiate(HostTensor logits, int first, HostTensor losses);
    }

    private Engine.LossGradient gradient(
            String operation, HostTensor hidden, HostTensor w, double scale, HostTensor dw, Piece piece) {
        require(hidden.extent(1) == w.extent(1), operation, hidden, w);
        require(Arrays.equals(w.shape(), dw.shape()), operation, w, dw);
        int vocabulary = w.extent(0);
        int width = w.extent(1);
        HostTensor losses = floating(hidden.rows());
        HostTensor dHidden = floating(hidden.shape());
        for (int first = 0; first < hidden.rows(); first += ROWS) {
            int last = Math.min(hidden.rows(), first + ROWS);
            int n = last - first;
            HostTensor rows = hidden.slice(first, last);
            try (HostTensor part = logits(rows, w, scale)) {
                piece.differentiate(part, first, losses);
                HostTensor dRows = dHidden.slice(first, last);
                products.product(n, width, vocabulary, scale, part, NONE, w, NONE, 0, dRows);
                products.product(vocabulary, width, n, scale, part, TRANSPOSED, rows, NONE, 1, dw);
            }
        }
        return new Engine.LossGradient(losses, dHidden);
    }

    /** See {@link Engine#tokenLossGradient}. */
    Engine.LossGradient tokenLossGradient(
            HostTensor hidden, HostTensor w, HostTensor targets, LossSettings settings, double weight, HostTensor dw) {
        return gradient(
                "tokenLossGradient",
                hidden,
                w,
                settings.logitScale(),
                dw,
                (logits, first, losses) ->
                        trainings.tokenLossGradient(logits, targets, first, settings, weight, losses));
    }

    /** See {@link Engine#distillationGradient}. */
    Engine.LossGradient distillationGradient(
            HostTensor hidden,
            HostTensor w,
            HostTensor targets,
            SoftTargets soft,
            DistillationSettings settings,
            double weight,
            HostTensor dw) {
        return gradient(
                "distillationGradient", hidden, w, settings.hard().logitScale(), dw, (logits, first, losses) -> {
                    try (HostTensor teacher = teacher(soft, first, logits, settings.temperature())) {
                        distillations.lossGradient(logits, teacher, targets, first, settings, weight, losses);
                    }
                });
    }

    /** The teacher's distributions for a piece of the student's logits, in its shape. */
    private HostTensor teacher(SoftTargets soft, int first, HostTensor logits, double temperature) {
        if (soft instanceof SoftTargets.OfTeacher whole) {
            HostTensor w = (HostTensor) whole.w();
            require(w.extent(0) == logits.extent(1), "distillationGradient", logits, w);
            HostTensor rows = ((HostTensor) whole.hidden()).slice(first, first + logits.rows());
            HostTensor teacher = logits(rows, w, whole.logitScale());
            distillations.soften(teacher, temperature);
            return teacher;
        }
        SoftTargets.TopK top = (SoftTargets.TopK) soft;
        HostTensor teacher = floating(logits.shape());
        distillations.spread((HostTensor) top.ids(), (HostTensor) top.probabilities(), first, teacher);
        return teacher;
    }
}
