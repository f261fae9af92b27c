package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.eval.report.MetricsLog;
import dev.sparkswitch.eval.report.Page;
import dev.sparkswitch.eval.report.RunReport;
import dev.sparkswitch.eval.report.Sections;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.apache.hadoop.fs.Path;

/** The page of a training run that is done. */
final class TrainingReport {
    private static final String NAME = "report.html";

    private TrainingReport() {}

    /** Writes {@code report.html} in the run's folder. */
    static void write(RunFolder folder, TrainingRun.Task task, Manifest manifest) {
        Path file = new Path(folder.path(), NAME);
        try (OutputStream out = HadoopFiles.create(folder.files(), file)) {
            List<Sections.Fact> facts = new ArrayList<>();
            facts.add(new Sections.Fact("SparkSwitch", Build.version()));
            facts.add(new Sections.Fact("Engine", manifest.property("engine")));
            facts.add(new Sections.Fact("Seed", Long.toString(task.settings().seed())));
            facts.addAll(results(task, manifest));
            manifest.inputs().forEach(input -> facts.add(new Sections.Fact("Made from " + input.name(), input.id())));
            facts.add(new Sections.Fact("Settings", task.config().toString()));
            RunReport report =
                    RunReport.titled("sparkswitch " + task.name(), folder.path().toString());
            if (task.teacher().isPresent()) {
                report.section(new Page.Section("Distillation", new DistillationSection(task, manifest).blocks()));
            }
            String page = report.phase(new RunReport.Phase("Training", log(folder), OptionalDouble.empty()))
                    .facts(facts)
                    .page()
                    .html();
            out.write(page.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot write " + file + " (" + e.getMessage() + "): check the disk's space and your rights.", e);
        }
    }

    /** What the manifest tells of the result, in its order; models that were compared go by their folders. */
    private static List<Sections.Fact> results(TrainingRun.Task task, Manifest manifest) {
        List<Sections.Fact> facts = new ArrayList<>();
        manifest.properties().forEach((name, value) -> {
            if (name.startsWith(TrainingRun.COMPARED)) {
                int index = Integer.parseInt(name.substring(TrainingRun.COMPARED.length()));
                facts.add(new Sections.Fact("Compared: " + task.compared().get(index), value));
            } else if (!name.equals("engine")) {
                String words = name.replace('-', ' ');
                facts.add(
                        new Sections.Fact(words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1), value));
            }
        });
        return facts;
    }

    /** The run's metrics. */
    static MetricsLog log(RunFolder folder) throws IOException {
        Path metrics = new Path(folder.path(), dev.sparkswitch.train.MetricsLog.NAME);
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(folder.files().open(metrics), StandardCharsets.UTF_8))) {
            return MetricsLog.read(reader, metrics.toString());
        }
    }
}
