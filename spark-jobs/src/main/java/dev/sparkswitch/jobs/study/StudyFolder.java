package dev.sparkswitch.jobs.study;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.eval.report.MetricsLog;
import dev.sparkswitch.eval.report.Sections;
import dev.sparkswitch.eval.study.Comparison;
import dev.sparkswitch.eval.study.StudyJson;
import dev.sparkswitch.eval.study.StudyReport;
import dev.sparkswitch.eval.study.StudyVariant;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A study's folder: how its runs stand, and the page and the figures about them. */
final class StudyFolder {
    private static final String PAGE = "study.html";
    private static final String FIGURES = "study.json";
    private static final String TABLES = "study.md";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final StudyPlan plan;
    private final Configuration hadoop;
    private final Path path;

    StudyFolder(StudyPlan plan, Configuration hadoop) {
        this.plan = plan;
        this.hadoop = hadoop;
        this.path = new Path(plan.config().output());
    }

    /** The page. */
    Path page() {
        return new Path(path, PAGE);
    }

    boolean isFinished(StudyPlan.Run run) {
        return manifest(run).isPresent();
    }

    private Optional<Manifest> manifest(StudyPlan.Run run) {
        Path of = new Path(run.work().folder());
        return Manifests.find(files(of), of);
    }

    private FileSystem files(Path of) {
        try {
            return HadoopFiles.raw(of.getFileSystem(hadoop));
        } catch (IOException e) {
            throw new ResourceException(
                    "The folder " + of + " cannot be used (" + e.getMessage() + "): check the path and your rights.",
                    e);
        }
    }

    /**
     * Writes the page, its tables and the figures as things stand.
     *
     * @param failures why runs failed, by their names
     */
    Comparison write(Map<String, String> failures) {
        Map<String, List<StudyVariant.Run>> standing = new LinkedHashMap<>();
        TreeSet<String> engines = new TreeSet<>();
        List<Sections.Fact> inputs = new ArrayList<>();
        for (StudyPlan.Run run : plan.runs()) {
            Optional<Manifest> manifest = manifest(run);
            manifest.ifPresent(found -> {
                engines.add(found.property("engine"));
                found.inputs().stream()
                        .map(input -> new Sections.Fact("Made from " + input.name(), input.id()))
                        .filter(fact -> !inputs.contains(fact))
                        .forEach(inputs::add);
            });
            standing.computeIfAbsent(run.variant(), name -> new ArrayList<>())
                    .add(stands(run, manifest.isPresent(), failures.getOrDefault(run.name(), "")));
        }
        StudyConfig config = plan.config();
        Comparison comparison = Comparison.of(
                plan.variants(hadoop, standing),
                config.comparedWith(),
                config.threshold().map(OptionalDouble::of).orElse(OptionalDouble.empty()));
        List<Sections.Fact> facts = new ArrayList<>();
        facts.add(new Sections.Fact("SparkSwitch", Build.version()));
        engines.forEach(engine -> facts.add(new Sections.Fact("Engine", engine)));
        facts.add(new Sections.Fact("Seeds", config.seeds().toString()));
        facts.addAll(inputs);
        facts.add(new Sections.Fact("Settings", Configs.toTree(config).toString()));
        ObjectNode figures = StudyJson.of(comparison);
        figures.put("version", Build.version());
        engines.forEach(figures.putArray("engines")::add);
        figures.set("config", Configs.toTree(config));
        try {
            write(
                    page(),
                    StudyReport.page("Study " + path.getName(), subtitle(), comparison, facts)
                            .html()
                            .getBytes(StandardCharsets.UTF_8));
            write(new Path(path, FIGURES), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(figures));
            write(new Path(path, TABLES), StudyReport.markdown(comparison).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot write " + page() + " (" + e.getMessage() + "): check the disk's space and your rights.", e);
        }
        return comparison;
    }

    private String subtitle() {
        return "sparkswitch study · " + path;
    }

    private void write(Path file, byte[] content) throws IOException {
        HadoopFiles.replace(files(file), path, out -> {
            out.write(content);
            return file;
        });
    }

    private StudyVariant.Run stands(StudyPlan.Run run, boolean finished, String failure) {
        MetricsLog log = log(new Path(run.work().folder()));
        StudyVariant.State state = finished
                ? StudyVariant.State.FINISHED
                : !failure.isEmpty()
                        ? StudyVariant.State.FAILED
                        : log.steps().isEmpty() ? StudyVariant.State.WAITING : StudyVariant.State.UNDER_WAY;
        return new StudyVariant.Run(run.seed(), state, failure, log);
    }

    private MetricsLog log(Path of) {
        Path file = new Path(of, dev.sparkswitch.train.MetricsLog.NAME);
        FileSystem files = files(of);
        try {
            if (!files.exists(file)) {
                return new MetricsLog(List.of(), List.of());
            }
            try (BufferedReader reader =
                    new BufferedReader(new InputStreamReader(files.open(file), StandardCharsets.UTF_8))) {
                return MetricsLog.read(reader, file.toString());
            }
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot read " + file + " (" + e.getMessage() + "): check the path and your rights.", e);
        }
    }
}
