package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Build;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * {@code sparkswitch COMMAND}: reached through {@code bin/sparkswitch} or {@code spark-submit --class
 * dev.sparkswitch.jobs.Main sparkswitch.jar COMMAND}. Exit codes: 0 done, 2 the user's mistake, 3 something outside is
 * missing or exhausted, 4 a defect of SparkSwitch.
 */
@Command(
        name = "sparkswitch",
        description = "Trains, fine-tunes and evaluates Switch Transformers on Apache Spark.",
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footer = {
            "",
            "Every command explains itself: sparkswitch COMMAND --help.",
            "Exit codes: 0 done, 2 a mistake in what was given, 3 something outside is missing, 4 a defect.",
        },
        versionProvider = Main.Version.class)
public final class Main implements Runnable {
    private final Home home;

    @Spec
    private CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    private boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Show the version.")
    private boolean version;

    Main(Home home) {
        this.home = home;
    }

    /** Every command there is, in the order in which a person meets them. */
    static List<Job<?>> jobs() {
        return List.of(
                new DemoJob(),
                new PrepareJob(),
                new VocabJob(),
                new BatchJob(),
                new PretrainJob(),
                new FinetuneJob(),
                new DistillJob(),
                new EvaluateJob(),
                new GenerateJob(),
                new ConvertJob(),
                new PlanJob(),
                new StudyJob(),
                new BenchStepJob(),
                new BenchOpsJob(),
                new BenchDataJob(),
                new BenchScalingJob(),
                new BenchCardsJob(),
                new BundleJob());
    }

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        System.exit(run(
                Home.find(), jobs(), new PrintWriter(System.out, true), new PrintWriter(System.err, true), arguments));
    }

    /** Runs one command. Nothing is thrown: every failure becomes a line on {@code err} and the exit code. */
    static int run(Home home, List<Job<?>> jobs, PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine line = commandLine(home, jobs).setOut(out).setErr(err);
        try {
            return line.execute(arguments);
        } catch (Throwable failure) {
            return Failures.report(failure, err, Failures.Detail.ONE_LINE);
        } finally {
            out.flush();
            err.flush();
        }
    }

    static CommandLine commandLine(Home home, List<Job<?>> jobs) {
        CommandLine line = new CommandLine(new Main(home));
        for (Job<?> job : jobs) {
            CommandLine command = new CommandLine(job);
            KeyHelp.add(command, job.type());
            job.addSampleOption(command.getCommandSpec());
            job.group().map(group -> group(line, group)).orElse(line).addSubcommand(command);
        }
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler(Main::misused)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    Job<?> job = command.getCommand();
                    return Failures.report(failure, command.getErr(), job.detail());
                });
    }

    /** The command of a group, made when its first member comes. */
    private static CommandLine group(CommandLine line, CommandGroup group) {
        CommandLine known = line.getSubcommands().get(group.word());
        if (known == null) {
            known = group.commandLine();
            line.addSubcommand(known);
        }
        return known;
    }

    Home home() {
        return home;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "A command is missing");
    }

    private static int misused(ParameterException mistake, String[] arguments) {
        CommandLine line = mistake.getCommandLine();
        String name = line.getCommandSpec().qualifiedName();
        String explanation = explain(mistake);
        String stop = explanation.endsWith("?") || explanation.endsWith(".") ? " " : ". ";
        line.getErr().println("error: " + explanation + stop + "Try: " + name + " --help");
        return Failures.USER;
    }

    private static String explain(ParameterException mistake) {
        if (mistake instanceof UnmatchedArgumentException unmatched
                && !unmatched.isUnknownOption()
                && mistake.getCommandLine().getParent() == null) {
            List<String> near = unmatched.getSuggestions();
            return "There is no command '" + unmatched.getUnmatched().get(0) + "'"
                    + (near.isEmpty() ? "" : "; did you mean '" + near.get(0) + "'?");
        }
        return mistake.getMessage();
    }

    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"SparkSwitch " + Build.version() + " (Java " + Runtime.version() + ")"};
        }
    }
}
