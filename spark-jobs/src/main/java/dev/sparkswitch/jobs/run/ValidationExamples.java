package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.OutputFolder;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.eval.task.Task;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The examples that models are compared on, in a box that every rank reads: the tasks' files lie where the command was started.
 */
final class ValidationExamples {
    /** The kind of the box's manifest. */
    static final String KIND = "examples";

    private static final String FILE = "examples.jsonl";
    private static final ObjectMapper JSON = new ObjectMapper();

    private ValidationExamples() {}

    /** A line of the box. */
    private record Line(String task, Example example) {}

    /**
     * Writes the box, or takes the one that is there.
     *
     * @throws UserException where a task has no validation examples that can be scored
     */
    static Path make(Configuration hadoop, Path folder, TaskData data) throws IOException {
        List<Line> lines = new ArrayList<>();
        for (TaskSource source : data.tasks()) {
            Task task = source.resolved();
            List<Example> read = read(task, source);
            task.requireScorable(read);
            for (Example example : chosen(read, data)) {
                lines.add(new Line(task.name(), example));
            }
        }
        CRC32C content = new CRC32C();
        List<byte[]> written = new ArrayList<>();
        for (Line line : lines) {
            byte[] bytes = (JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8);
            content.update(bytes);
            written.add(bytes);
        }
        OutputFolder output = new OutputFolder(hadoop, folder);
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("examples", data.selection().examples()).put("seed", data.seed());
        String sources = String.join(
                ", ", data.tasks().stream().map(TaskSource::validationPath).toList());
        List<Manifest.Input> inputs =
                List.of(new Manifest.Input("examples", sources, "crc32c:" + Long.toHexString(content.getValue())));
        if (output.finished(KIND, settings, inputs).isPresent()) {
            return folder;
        }
        output.begin();
        try (OutputStream out = HadoopFiles.create(output.files(), new Path(output.data(), FILE))) {
            for (byte[] line : written) {
                out.write(line);
            }
        }
        String name = output.data().getName() + "/" + FILE;
        output.commit(Manifest.builder(KIND)
                .seed(data.seed())
                .config(settings)
                .count("rows", lines.size())
                .input(inputs.get(0))
                .file(Manifests.entry(output.files(), output.folder(), name, new TreeMap<>()))
                .build());
        return folder;
    }

    private static List<Example> read(Task task, TaskSource source) {
        try {
            return task.read(java.nio.file.Path.of(source.validationPath()), Split.VALIDATION);
        } catch (UserException e) {
            throw new UserException(
                    "Models are compared by selection.metric on validation examples, and those of " + task.name()
                            + " cannot be read: " + e.getMessage()
                            + ". Name them in tasks[].validation, or set selection.metric=loss.",
                    e);
        }
    }

    /** Some of the examples, in their order, chosen by a keyed hash: whole groups, since some scores are of groups. */
    private static List<Example> chosen(List<Example> all, TaskData data) {
        int most = data.selection().examples();
        if (most == 0 || all.size() <= most) {
            return all;
        }
        List<String> groups = new ArrayList<>(
                new LinkedHashSet<>(all.stream().map(Example::group).toList()));
        Map<String, Integer> sizes = new LinkedHashMap<>();
        all.forEach(example -> sizes.merge(example.group(), 1, Integer::sum));
        Map<String, Integer> keys = new LinkedHashMap<>();
        Philox random = RandomStream.SHUFFLE.at(data.seed(), 0, 2);
        for (int i = 0; i < groups.size(); i++) {
            keys.put(groups.get(i), random.bits(i));
        }
        groups.sort(Comparator.comparing(keys::get));
        Set<String> kept = new HashSet<>();
        int count = 0;
        for (String group : groups) {
            if (count > 0 && count + sizes.get(group) > most) {
                break;
            }
            kept.add(group);
            count += sizes.get(group);
        }
        return all.stream().filter(example -> kept.contains(example.group())).toList();
    }

    /**
     * Reads a box.
     *
     * @return the examples by task, tasks and examples in the order of the box
     */
    static Map<String, List<Example>> read(Configuration hadoop, Path folder) {
        Map<String, List<Example>> byTask = new LinkedHashMap<>();
        try {
            Manifest manifest = Manifests.require(folder.getFileSystem(hadoop), folder, KIND);
            Path file = new Path(folder, manifest.files().get(0).path());
            try (BufferedReader reader = new BufferedReader(
                    new InputStreamReader(folder.getFileSystem(hadoop).open(file), StandardCharsets.UTF_8))) {
                for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                    Line line = JSON.readValue(text, Line.class);
                    byTask.computeIfAbsent(line.task(), task -> new ArrayList<>())
                            .add(line.example());
                }
            }
            return byTask;
        } catch (IOException e) {
            throw new ResourceException(
                    "The validation examples in " + folder + " cannot be read (" + e.getMessage()
                            + "): check that all executors share the folder.",
                    e);
        }
    }
}
