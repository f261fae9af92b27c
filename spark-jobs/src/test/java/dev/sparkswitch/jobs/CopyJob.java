package dev.sparkswitch.jobs;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;
import java.io.PrintWriter;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.Command;

/** A command for tests: it ends in the way that its configuration names. */
@Command(
        name = "copy",
        description = "Copies rows.",
        footer = {"  sparkswitch copy --set rows=3"})
final class CopyJob extends Job<CopyJob.Config> {
    enum Ending {
        DONE,
        USER_MISTAKE,
        MISSING_RESOURCE,
        DEFECT,
        DEFECT_OF_OURS,
        USER_MISTAKE_IN_A_TASK,
        OUT_OF_MEMORY
    }

    record Config(
            @Setting(value = "5", help = "How many rows to copy.")
            int rows,

            @Setting(value = "done", help = "How the job ends.")
            Ending ending) {}

    CopyJob() {
        super(Config.class);
    }

    @Override
    protected void plan(Config configuration, PrintWriter out) {
        out.println("It would copy " + configuration.rows() + " rows.");
    }

    @Override
    protected void run(Config configuration, JobContext context) throws Exception {
        switch (configuration.ending()) {
            case DONE -> context.out().println("Copied " + configuration.rows() + " rows.");
            case USER_MISTAKE -> throw new UserException("The folder in is empty: name one with rows.");
            case MISSING_RESOURCE -> throw new ResourceException("There are no executors: start some.");
            case DEFECT -> throw new IllegalStateException("a slot is taken twice");
            case DEFECT_OF_OURS -> throw new InternalException("A slot is taken twice.");
            case USER_MISTAKE_IN_A_TASK ->
                throw new ExecutionException(
                        "Task 3 failed", new UserException("The shard 7 is damaged: run batch again."));
            case OUT_OF_MEMORY -> throw new OutOfMemoryError("Java heap space");
        }
    }
}
