package dev.sparkswitch.jobs;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;

/**
 * Runs a command of {@link Main} in this JVM, with the project's own {@code conf/}. Spark takes its settings from the
 * system properties, as it does under spark-submit.
 *
 * @param code the exit code
 * @param out what it printed
 * @param err what it said of its failure
 */
public record InProcess(int code, String out, String err) {
    private static final Home PROJECT = Home.at(Path.of("..").toAbsolutePath().normalize());

    /** Runs {@code sparkswitch} with these arguments. */
    public static InProcess run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(PROJECT, Main.jobs(), new PrintWriter(out), new PrintWriter(err), arguments);
        return new InProcess(code, out.toString(), err.toString());
    }
}
