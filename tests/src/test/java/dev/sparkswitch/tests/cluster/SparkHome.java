package dev.sparkswitch.tests.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;

/**
 * A Spark home made of the jars on this JVM's class path, for executors in processes of their own. Surefire sets {@code
 * SPARK_HOME} to where it goes.
 */
public final class SparkHome {
    private SparkHome() {}

    /** Lays the home out, and configures a local cluster whose executors see the classes of this JVM. */
    public static SparkConf localCluster(int executors, int cores) throws IOException {
        String home = System.getenv("SPARK_HOME");
        assertThat(home).as("SPARK_HOME, which Surefire sets").isNotNull();
        Path jars = Files.createDirectories(Path.of(home, "jars"));
        List<String> folders = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path path = Path.of(entry).toAbsolutePath();
            if (Files.isDirectory(path)) {
                folders.add(path.toString());
            } else if (Files.exists(path)) {
                link(jars.resolve(path.getFileName()), path);
            }
        }
        return new SparkConf(false)
                .setMaster("local-cluster[" + executors + "," + cores + ",1024]")
                .setAppName("cluster tests")
                .set("spark.executor.extraClassPath", String.join(File.pathSeparator, folders))
                .set("spark.executor.memory", "512m")
                .set("spark.executor.cores", String.valueOf(cores))
                .set("spark.cores.max", String.valueOf(executors * cores))
                .set("spark.executor.extraJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.ui.enabled", "false");
    }

    private static void link(Path link, Path jar) throws IOException {
        if (Files.isSymbolicLink(link)) {
            if (Files.readSymbolicLink(link).equals(jar)) {
                return;
            }
            Files.delete(link);
        }
        Files.createSymbolicLink(link, jar);
    }
}
