package dev.sparkswitch.tests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A process that a test starts, with all that it printed. */
record SubmittedProcess(int code, String out, String err) {
    private static final long LIMIT_MINUTES = 3;

    /** Runs a command to its end; fails when it takes longer than any of our commands may. */
    static SubmittedProcess run(Path folder, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        Path out = Files.createTempFile("out", ".txt");
        Path err = Files.createTempFile("err", ".txt");
        try {
            Process process = builder(folder, environment, command)
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start();
            if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError(command + " did not end; it printed\n" + Files.readString(err));
            }
            return new SubmittedProcess(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    /** A process with {@code environment} and nothing of this one's that our scripts look at. */
    static ProcessBuilder builder(Path folder, Map<String, String> environment, List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().remove("SPARK_HOME");
        builder.environment().remove("SPARKSWITCH_HOME");
        builder.environment().putAll(environment);
        return builder;
    }
}
