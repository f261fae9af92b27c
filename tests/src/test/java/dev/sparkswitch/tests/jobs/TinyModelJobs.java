package dev.sparkswitch.tests.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.jobs.InProcess;
import dev.sparkswitch.tests.cluster.SparkHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import scala.Tuple2;

/**
 * Tests of commands that put a model to use, on two threads, in the folder of a {@link TinyPipeline}; what they make there and
 * call {@code new...} is gone afterwards.
 */
abstract class TinyModelJobs {
    @TempDir
    static Path folder;

    private static Map<String, String> settings;

    @BeforeAll
    static void makeAModel() throws IOException {
        TinyPipeline.make(folder);
        settings = new TreeMap<>();
        for (Tuple2<String, String> setting : SparkHome.localCluster(1, 1).getAll()) {
            settings.put(setting._1(), setting._2());
        }
    }

    @BeforeEach
    void twoThreads() {
        settings.forEach(System::setProperty);
        System.setProperty("spark.master", "local[2]");
    }

    @AfterEach
    void forgetWhatIsNew() throws IOException {
        settings.keySet().forEach(System::clearProperty);
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                if (folder.relativize(file).toString().startsWith("new")) {
                    Files.delete(file);
                }
            }
        }
    }

    static InProcess run(String command) {
        return TinyPipeline.run(folder, command);
    }

    static void assertDone(InProcess outcome) {
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.code()).isZero();
    }
}
