package dev.sparkswitch.jobs.bundle;

import dev.sparkswitch.base.ResourceException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;

/** Cuts a Java runtime out of the JDK that runs this. */
final class JavaRuntime {
    private JavaRuntime() {}

    /**
     * Makes a runtime of some modules in a folder that is not there yet.
     *
     * @throws ResourceException where this Java is no JDK with its modules
     */
    static void link(List<String> modules, Path folder) {
        ToolProvider jlink = ToolProvider.findFirst("jlink").orElseThrow(() -> missing("it has no jlink"));
        StringWriter messages = new StringWriter();
        PrintWriter out = new PrintWriter(messages, true);
        // Compressed inside, it would be twice as large in the archive.
        int status = jlink.run(
                out,
                out,
                "--add-modules",
                String.join(",", modules),
                "--compress=0",
                "--strip-debug",
                "--no-header-files",
                "--no-man-pages",
                "--output",
                folder.toString());
        if (status != 0) {
            throw missing("jlink said: " + messages.toString().strip());
        }
    }

    private static ResourceException missing(String why) {
        return new ResourceException("This Java (" + System.getProperty("java.home")
                + ") cannot make a runtime for the bundle (" + why + "): set JAVA_HOME to a full JDK, 17 or newer.");
    }
}
