package dev.sparkswitch.eval.study;

import dev.sparkswitch.eval.report.StepMetrics;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * The held-out loss of a variant as it trained: at every step that all of its runs have measured, the mean over these runs.
 * Runs without any measurement do not count.
 *
 * @param points by step, ascending
 */
public record Course(List<Point> points) {
    /**
     * A measurement.
     *
     * @param step the optimizer's step
     * @param seconds of training up to there, evaluation and checkpoints apart
     * @param flops floating-point operations up to there
     * @param loss mean held-out loss over the runs, nats a target token
     * @param deviation standard deviation of the loss over the runs, with n - 1; NaN for a single run
     * @param textLoss the same over text tokens alone
     * @param trainingLoss mean cross-entropy of the logged training steps since the measurement before
     */
    public record Point(
            long step,
            double seconds,
            double flops,
            double loss,
            double deviation,
            double textLoss,
            double trainingLoss) {}

    public Course {
        points = List.copyOf(points);
    }

    /** The course of a variant; without points where nothing was measured. */
    static Course of(StudyVariant variant) {
        List<TreeMap<Long, Point>> runs = new ArrayList<>();
        for (StudyVariant.Run run : variant.runs()) {
            TreeMap<Long, Point> measured = measured(run.log().steps(), variant.stepFlops());
            if (!measured.isEmpty()) {
                runs.add(measured);
            }
        }
        List<Point> points = new ArrayList<>();
        for (long step :
                runs.isEmpty() ? List.<Long>of() : List.copyOf(runs.get(0).keySet())) {
            if (runs.stream().allMatch(run -> run.containsKey(step))) {
                points.add(mean(runs.stream().map(run -> run.get(step)).toList()));
            }
        }
        return new Course(points);
    }

    private static TreeMap<Long, Point> measured(List<StepMetrics> steps, double stepFlops) {
        TreeMap<Long, Point> points = new TreeMap<>();
        double training = 0;
        int lines = 0;
        for (StepMetrics step : steps) {
            training += step.crossEntropy();
            lines++;
            if (Double.isFinite(step.heldOutLoss())) {
                points.put(
                        step.step(),
                        new Point(
                                step.step(),
                                step.trained(),
                                step.step() * stepFlops,
                                step.heldOutLoss(),
                                Double.NaN,
                                step.heldOutTextLoss(),
                                training / lines));
                training = 0;
                lines = 0;
            }
        }
        return points;
    }

    private static Point mean(List<Point> runs) {
        Point first = runs.get(0);
        double loss = mean(runs, Point::loss);
        double squares = 0;
        for (Point run : runs) {
            squares += (run.loss() - loss) * (run.loss() - loss);
        }
        return new Point(
                first.step(),
                mean(runs, Point::seconds),
                first.flops(),
                loss,
                runs.size() == 1 ? Double.NaN : Math.sqrt(squares / (runs.size() - 1)),
                mean(runs, Point::textLoss),
                mean(runs, Point::trainingLoss));
    }

    private static double mean(List<Point> runs, ToDoubleFunction<Point> value) {
        return runs.stream().mapToDouble(value).average().orElseThrow();
    }

    /** The last measurement. */
    public Optional<Point> last() {
        return points.isEmpty() ? Optional.empty() : Optional.of(points.get(points.size() - 1));
    }

    /** The first measurement with the smallest loss. */
    public Optional<Point> best() {
        Point best = null;
        for (Point point : points) {
            best = best == null || point.loss() < best.loss() ? point : best;
        }
        return Optional.ofNullable(best);
    }

    /** The measurement after {@code step}. */
    public Optional<Point> at(long step) {
        return points.stream().filter(point -> point.step() == step).findFirst();
    }

    /**
     * Where {@code value}, such as {@link Point#seconds}, stands when the loss first comes down to {@code loss}: on the straight
     * line between the measurements around; at the first measurement where that is there already, which is then a bound from
     * above.
     *
     * @return empty where the loss was never reached
     */
    public OptionalDouble reaching(double loss, ToDoubleFunction<Point> value) {
        for (int i = 0; i < points.size(); i++) {
            Point here = points.get(i);
            if (here.loss() <= loss) {
                if (i == 0) {
                    return OptionalDouble.of(value.applyAsDouble(here));
                }
                Point before = points.get(i - 1);
                double share = (before.loss() - loss) / (before.loss() - here.loss());
                double from = value.applyAsDouble(before);
                return OptionalDouble.of(from + share * (value.applyAsDouble(here) - from));
            }
        }
        return OptionalDouble.empty();
    }
}
