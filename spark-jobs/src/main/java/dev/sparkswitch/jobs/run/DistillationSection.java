package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.eval.report.Block;
import dev.sparkswitch.eval.report.Prose;
import dev.sparkswitch.eval.report.Table;
import dev.sparkswitch.model.ParameterSpecs;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** What a distillation has kept of its teacher, for people: a part of the run's page, and a line. */
final class DistillationSection {
    private final String metric;
    private final long teacherParameters;
    private final long studentParameters;
    private final double teacher;
    private final double student;
    private final OptionalDouble baseline;
    private final boolean beganWithTeacher;

    /** @param manifest of the finished run, with what {@link TrainingRun} notes in it */
    DistillationSection(TrainingRun.Task task, Manifest manifest) {
        this.metric = manifest.property(TrainingRun.METRIC);
        this.teacherParameters = task.teacher().orElseThrow().parameters();
        this.studentParameters = ParameterSpecs.count(task.model());
        this.teacher = Double.parseDouble(manifest.property(TrainingRun.COMPARED + 0));
        this.student = Double.parseDouble(manifest.property(TrainingRun.BEST_VALUE));
        String without = manifest.properties().get(TrainingRun.COMPARED + 1);
        this.baseline = without == null ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(without));
        this.beganWithTeacher = task.initFrom().isPresent();
    }

    /** The share of the parameters that is gone. */
    double compression() {
        return 1 - (double) studentParameters / teacherParameters;
    }

    /** (student - baseline) / (teacher - baseline); empty without a baseline, or where the teacher is no better than it. */
    OptionalDouble kept() {
        if (baseline.isEmpty() || teacher <= baseline.getAsDouble()) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of((student - baseline.getAsDouble()) / (teacher - baseline.getAsDouble()));
    }

    private String keptInWords() {
        if (baseline.isEmpty()) {
            return "unknown: there is nothing to compare with. Set baseline=train, or to the folder of the same model"
                    + " trained without a teacher";
        }
        OptionalDouble kept = kept();
        if (kept.isEmpty()) {
            return "none to keep: the teacher is no better than the same student without it";
        }
        return percent(kept.getAsDouble()) + " of " + value(teacher - baseline.getAsDouble());
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f%%", 100 * share);
    }

    private static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    private String value(double value) {
        return metric.equals(SelectionConfig.LOSS)
                ? String.format(Locale.ROOT, "%.4f", Math.abs(value))
                : String.format(Locale.ROOT, "%.2f", value);
    }

    /** What the share holds beside what was taught. */
    private String caution() {
        return beganWithTeacher && baseline.isPresent()
                ? " The student began with the teacher's weights, so the steps that these were trained for are behind it too:"
                        + " the share is the teaching's alone where the baseline was trained for as many steps in all."
                : "";
    }

    List<Block> blocks() {
        String unit = metric.equals(SelectionConfig.LOSS)
                ? "loss on the held-out rows, nats a token (lower is better)"
                : metric + " on the validation examples, from 0 to 100";
        Table measured = Table.captioned("Measured on the same rows: " + unit + ".")
                .column("Model", Table.Kind.TEXT)
                .column("Parameters", Table.Kind.NUMBER)
                .column(metric, Table.Kind.NUMBER);
        measured.row("Teacher", count(teacherParameters), value(teacher));
        measured.row("Student, distilled", count(studentParameters), value(student));
        baseline.ifPresent(value -> measured.row("Baseline, without a teacher", "", value(value)));
        Table published = Table.captioned(
                        "Published, not measured here: Fedus et al. 2021, tables 6 to 8, on other data and sizes.")
                .column("Setting", Table.Kind.TEXT)
                .column("Compression", Table.Kind.NUMBER)
                .column("Gain kept", Table.Kind.NUMBER);
        published.row("T5-Base, distilled from Switch-Base, plain", "", "3%");
        published.row("with the teacher's non-expert weights", "", "20%");
        published.row("with 0.75 hard and 0.25 soft targets", "", "29%");
        published.row("teachers of 1.1 to 14.7 billion parameters", "82 to 99%", "37 to 28%");
        published.row("fine-tuned on SuperGLUE: 74.6 to 76.6 of the teacher's 81.3", "", "30%");
        return List.of(
                new Prose("The student has " + percent(compression())
                        + " fewer parameters than its teacher. Share of the"
                        + " teacher's gain over the baseline that it keeps: " + keptInWords() + "." + caution()),
                measured,
                published);
    }
}
