package dev.sparkswitch.eval.study;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.report.StepMetrics;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;

/**
 * What the variants of a study are worth beside each other. The measure is the paper's (Switch Transformer, section 3 and
 * table 1): the loss after equally many steps, and the steps and the time until a variant is as good as the baseline got.
 *
 * @param baseline the row of the variant that the others are compared with
 * @param target the baseline's smallest held-out loss, nats a target token; NaN where it has none yet
 * @param threshold the held-out loss that the time to reach is given for: the one asked for, or the target
 * @param step the last step that every variant with measurements has measured; 0 where there is none
 * @param rows a row a variant, in their order
 */
public record Comparison(Row baseline, double target, double threshold, long step, List<Row> rows) {
    /**
     * A variant's figures; NaN stands for what is not there (yet).
     *
     * @param variant the variant
     * @param course its held-out loss
     * @param load its experts' load
     * @param flopsRatio its operations a token over the baseline's
     * @param lossAtStep held-out loss after {@link Comparison#step}
     * @param deviationAtStep standard deviation of that over the seeds
     * @param stepsToTarget steps until it was as good as the baseline got
     * @param secondsToTarget the time of that
     * @param stepSpeedUp the baseline's steps to the target over its own
     * @param timeSpeedUp the same of times
     * @param secondsToThreshold the time until its loss was the threshold
     * @param rowsPerSecond median over the logged steps
     */
    public record Row(
            StudyVariant variant,
            Course course,
            ExpertLoad load,
            double flopsRatio,
            double lossAtStep,
            double deviationAtStep,
            double stepsToTarget,
            double secondsToTarget,
            double stepSpeedUp,
            double timeSpeedUp,
            double secondsToThreshold,
            double rowsPerSecond) {

        /** Input and target positions a second. */
        public double tokensPerSecond() {
            return rowsPerSecond * variant.stepTokens() / variant.stepRows();
        }

        /** The smallest held-out loss. */
        public double best() {
            return course.best().map(Course.Point::loss).orElse(Double.NaN);
        }
    }

    public Comparison {
        rows = List.copyOf(rows);
    }

    /**
     * Compares variants.
     *
     * @param baseline the name of one of them
     * @param asked the held-out loss that the time to reach is wanted for; empty: the baseline's best
     * @throws UserException where no variant has the baseline's name
     */
    public static Comparison of(List<StudyVariant> variants, String baseline, OptionalDouble asked) {
        StudyVariant base = variants.stream()
                .filter(variant -> variant.name().equals(baseline))
                .findFirst()
                .orElseThrow(() -> new UserException("The baseline '" + baseline + "' is none of the variants "
                        + variants.stream().map(StudyVariant::name).toList() + ": name one of them."));
        Course baseCourse = Course.of(base);
        double target = baseCourse.best().map(Course.Point::loss).orElse(Double.NaN);
        double threshold = asked.orElse(target);
        double baseSteps = reaching(baseCourse, target, Course.Point::step);
        double baseSeconds = reaching(baseCourse, target, Course.Point::seconds);
        long step = commonStep(variants.stream().map(Course::of).toList()).orElse(0);
        List<Row> rows = new ArrayList<>();
        Row ofBase = null;
        for (StudyVariant variant : variants) {
            Course course = Course.of(variant);
            double steps = reaching(course, target, Course.Point::step);
            double seconds = reaching(course, target, Course.Point::seconds);
            Row row = new Row(
                    variant,
                    course,
                    ExpertLoad.of(variant),
                    variant.flopsAToken() / base.flopsAToken(),
                    course.at(step).map(Course.Point::loss).orElse(Double.NaN),
                    course.at(step).map(Course.Point::deviation).orElse(Double.NaN),
                    steps,
                    seconds,
                    baseSteps / steps,
                    baseSeconds / seconds,
                    reaching(course, threshold, Course.Point::seconds),
                    rowsPerSecond(variant));
            ofBase = variant == base ? row : ofBase;
            rows.add(row);
        }
        return new Comparison(ofBase, target, threshold, step, rows);
    }

    private static double reaching(Course course, double loss, ToDoubleFunction<Course.Point> value) {
        return course.reaching(loss, value).orElse(Double.NaN);
    }

    private static OptionalLong commonStep(List<Course> courses) {
        TreeSet<Long> common = null;
        for (Course course : courses) {
            TreeSet<Long> steps = new TreeSet<>();
            course.points().forEach(point -> steps.add(point.step()));
            if (steps.isEmpty()) {
                continue;
            }
            if (common == null) {
                common = steps;
            } else {
                common.retainAll(steps);
            }
        }
        return common == null || common.isEmpty() ? OptionalLong.empty() : OptionalLong.of(common.last());
    }

    /** The first steps, which are slow, and pauses of the host do not move a median. */
    private static double rowsPerSecond(StudyVariant variant) {
        double[] seconds = variant.runs().stream()
                .flatMap(run -> run.log().steps().stream())
                .mapToDouble(StepMetrics::seconds)
                .filter(Double::isFinite)
                .sorted()
                .toArray();
        return seconds.length == 0 ? Double.NaN : variant.stepRows() / seconds[seconds.length / 2];
    }
}
