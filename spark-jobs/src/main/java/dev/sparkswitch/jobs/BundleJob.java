package dev.sparkswitch.jobs;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.jobs.bundle.Bundle;
import dev.sparkswitch.jobs.bundle.BundleConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;

/** {@code sparkswitch bundle}: an archive for hosts without Java. */
@Command(
        name = "bundle",
        description = "Packs SparkSwitch and a Java runtime for hosts that have neither Java nor a network.",
        footer = {
            "  sparkswitch bundle --set output=bundle part-size=60MiB",
            "  sparkswitch bundle --set nd4j=true",
            "On the other host: sh bundle/join.sh && sparkswitch/bin/sparkswitch bench step",
        })
public final class BundleJob extends Job<BundleConfig> {
    private static final String JAR = "target/sparkswitch.jar";
    private static final double MIB = 1 << 20;

    BundleJob() {
        super(BundleConfig.class);
    }

    @Override
    protected void run(BundleConfig config, JobContext context) throws IOException {
        Path home = context.home()
                .filter(folder -> Files.isRegularFile(folder.resolve(JAR)))
                .orElseThrow(() -> new UserException(
                        "A bundle is made from a built checkout: run its bin/sparkswitch (mvn -DskipTests package builds"
                                + " it)."));
        Bundle.Made made = Bundle.run(config, home, home.resolve(JAR));
        context.out().printf("bundle made %s%n", made.folder());
        for (Path file : made.files()) {
            context.out().printf("  %-56s %8.1f MiB%n", file.getFileName(), Files.size(file) / MIB);
        }
    }
}
