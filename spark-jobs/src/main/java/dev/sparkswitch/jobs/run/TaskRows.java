package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.FreeText;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Tasks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * The rows of a task that is evaluated.
 *
 * @param source where they are from
 * @param data a hash of all that the rows say; equal where two evaluations are of the same rows
 */
record TaskRows(EvaluateConfig.Source source, Task task, List<Example> examples, String data) {
    /**
     * Reads the rows of all tasks and makes sure that they can be scored.
     *
     * @param spark reads Parquet, and is not started for other files
     */
    static List<TaskRows> read(TrainingRun.SparkSource spark, EvaluateConfig config) {
        List<TaskRows> all = new ArrayList<>();
        for (EvaluateConfig.Source source : config.tasks()) {
            Path path = Path.of(source.path());
            Task task = source.text().map(FreeText::task).orElseGet(() -> Tasks.named(source.task()));
            List<Example> examples = source.text().isPresent() && isParquet(path)
                    ? source.text().get().examples(parquet(spark, source.path()), path)
                    : task.read(path, source.split());
            switch (source.gold()) {
                case REQUIRED -> task.requireScorable(examples);
                case ABSENT -> task.requireDistinct(examples);
            }
            all.add(new TaskRows(source, task, examples, hash(examples)));
        }
        return all;
    }

    private static boolean isParquet(Path path) {
        if (!Files.isDirectory(path)) {
            return path.toString().endsWith(".parquet");
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.anyMatch(file -> file.toString().endsWith(".parquet"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> parquet(TrainingRun.SparkSource spark, String path) {
        return spark.start().read().parquet(path).toJSON().collectAsList();
    }

    private static String hash(List<Example> examples) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Example example : examples) {
                String row = String.join(
                        "\n",
                        example.id(),
                        example.group(),
                        example.input(),
                        example.label(),
                        String.join("\r", example.originals()));
                digest.update((row + "\n\n").getBytes(StandardCharsets.UTF_8));
            }
            return "sha256:" + HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    String name() {
        return task.name();
    }

    boolean scored() {
        return source.gold() == EvaluateConfig.Gold.REQUIRED;
    }

    /** How a manifest names them. */
    Manifest.Input input() {
        return new Manifest.Input("task " + name(), source.path(), data);
    }
}
