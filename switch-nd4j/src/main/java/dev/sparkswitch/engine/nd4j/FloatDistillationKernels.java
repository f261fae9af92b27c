package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.LossSettings;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/** {@link DistillationKernels} in float32. */
final class FloatDistillationKernels implements DistillationKernels {
    private final HostThreads threads;

    FloatDistillationKernels(HostThreads threads) {
        this.threads = threads;
    }

    @Override
    public void soften(HostTensor logits, double temperature) {
        int width = logits.extent(1);
        FloatBuffer values = logits.floats();
        threads.range(logits.rows(), logits.size() * 4, (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                values.get(r * width, row);
                FloatRows.scale(row, (float) (1 / temperature), width);
                FloatTrainingKernels.normalize(row);
                values.put(r * width, row);
            }
        });
    }

    @Override
    public void spread(HostTensor ids, HostTensor probabilities, int first, HostTensor spread) {
        int width = spread.extent(1);
        int choices = ids.extent(1);
        IntBuffer places = ids.ints();
        FloatBuffer shares = probabilities.floats();
        FloatBuffer out = spread.floats();
        threads.range(spread.rows(), spread.size(), (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                Arrays.fill(row, 0);
                for (int i = (first + r) * choices; i < (first + r + 1) * choices; i++) {
                    row[places.get(i)] += shares.get(i);
                }
                out.put(r * width, row);
            }
        });
    }

    @Override
    public void lossGradient(
            HostTensor logits,
            HostTensor soft,
            HostTensor targets,
            int first,
            DistillationSettings settings,
            double weight,
            HostTensor losses) {
        int width = logits.extent(1);
        FloatBuffer values = logits.floats();
        FloatBuffer taught = soft.floats();
        IntBuffer wanted = targets.ints();
        FloatBuffer out = losses.floats();
        threads.range(logits.rows(), logits.size() * 8, (from, to) -> {
            float[] row = new float[width];
            float[] tempered = new float[width];
            float[] teacher = new float[width];
            for (int r = from; r < to; r++) {
                int target = wanted.get(first + r);
                if (target < 0) {
                    out.put(first + r, 0);
                    Arrays.fill(row, 0);
                } else {
                    values.get(r * width, row);
                    taught.get(r * width, teacher);
                    out.put(first + r, (float) lossGradient(row, tempered, teacher, target, settings, weight));
                }
                values.put(r * width, row);
            }
        });
    }

    /** The loss of a row of logits, which becomes the gradient; {@code tempered} and {@code teacher} are spoiled. */
    private static double lossGradient(
            float[] row, float[] tempered, float[] teacher, int target, DistillationSettings settings, double weight) {
        int width = row.length;
        LossSettings hard = settings.hard();
        double temperature = settings.temperature();
        double hardShare = 1 - settings.softShare();
        System.arraycopy(row, 0, tempered, 0, width);
        FloatRows.scale(tempered, (float) (1 / temperature), width);
        double mass = FloatRows.sum(teacher, width);
        double taughtLogit = FloatRows.dot(teacher, tempered, width);
        double wantedLogit = FloatTrainingKernels.wanted(row, target, hard);
        double softLogSum = FloatTrainingKernels.normalize(tempered);
        double logSum = FloatTrainingKernels.normalize(row);

        FloatRows.scale(row, (float) (weight * (hardShare + 2 * hard.zLoss() * logSum)), width);
        float pull = (float) (weight * settings.softShare() * temperature);
        FloatRows.addScaled(row, (float) (pull * mass), tempered, width);
        FloatRows.addScaled(row, -pull, teacher, width);
        float share = (float) (weight * hardShare * hard.labelSmoothing() / width);
        for (int i = 0; i < width; i++) {
            row[i] -= share;
        }
        row[target] -= (float) (weight * hardShare * (1 - hard.labelSmoothing()));
        return hardShare * (logSum - wantedLogit)
                + hard.zLoss() * logSum * logSum
                + settings.softShare() * temperature * temperature * (mass * softLogSum - taughtLogit);
    }
}
