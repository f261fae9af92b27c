package dev.sparkswitch.jobs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.SectionFiles;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.jobs.run.ExecutorMemory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * One command: a configuration record and what to do with it. A subclass carries picocli's {@code @Command} with a name,
 * a description and, as its footer, examples; its defaults lie in {@code conf/NAME.yaml}; it is listed in
 * {@link Main#jobs()}. A command of two words names its {@link #group}; its defaults lie in {@code conf/GROUP/NAME.yaml}. Nothing else is needed: the options below, the help with every configuration key, errors and exit
 * codes come from here.
 *
 * @param <C> the configuration, bound strictly by {@link Configs}
 */
@Command(
        optionListHeading = "%nOptions:%n",
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        versionProvider = Main.Version.class)
public abstract class Job<C extends Record> implements Callable<Integer> {
    private static final YAMLMapper YAML = YAMLMapper.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .build();

    private static final String CONF = "conf/";
    private static final String SAMPLE = "sample";
    /** Folders of conf whose files go by their bare names. */
    private static final List<String> NAMED = List.of("models/", "cards/");

    private final Class<C> type;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The YAML file of this job; by default conf/COMMAND.yaml of the installation.")
    private Path file;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            arity = "1..*",
            description = "Set keys over the file, such as --set seed=7; may be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Option(names = "--dry-run", description = "Print what would be done and with which configuration, then stop.")
    private boolean dryRun;

    @Option(names = "--verbose", description = "Print the stack trace of a failure.")
    private boolean verbose;

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

    protected Job(Class<C> type) {
        this.type = type;
    }

    /**
     * Does the work.
     *
     * @throws dev.sparkswitch.base.SparkSwitchException for every failure that a person can understand
     * @throws Exception anything else, reported as a defect
     */
    protected abstract void run(C configuration, JobContext context) throws Exception;

    /** The first word of a command of two words; most have one. */
    Optional<CommandGroup> group() {
        return Optional.empty();
    }

    /** The command's words, such as {@code bench} and {@code step}. */
    final List<String> words() {
        List<String> words = new ArrayList<>();
        group().ifPresent(group -> words.add(group.word()));
        words.add(getClass().getAnnotation(Command.class).name());
        return words;
    }

    /** For {@link #plan}: what each rank will need, where that is known. */
    static void printMemory(Optional<ExecutorMemory> memory, PrintWriter out) {
        memory.ifPresent(known -> out.println("# " + known.line()));
    }

    /** What {@link #run} would do, for {@code --dry-run}: lines below the resolved configuration. Starts nothing. */
    protected void plan(C configuration, PrintWriter out) throws Exception {}

    @Override
    public final Integer call() throws Exception {
        C configuration = load();
        PrintWriter out = spec.commandLine().getOut();
        if (dryRun) {
            out.println("# " + spec.qualifiedName() + " would run with");
            out.print(YAML.writeValueAsString(Configs.toTree(configuration)));
            plan(configuration, out);
            out.flush();
            return 0;
        }
        try (JobContext context = new JobContext(String.join(" ", words()), home(), out)) {
            run(configuration, context);
        }
        return 0;
    }

    private Home home() {
        return ((Main) spec.root().userObject()).home();
    }

    Class<C> type() {
        return type;
    }

    /** {@code --sample}, short for {@code --set sample}, where the configuration has that key. */
    void addSampleOption(CommandSpec command) {
        if (Configs.describe(type).stream().anyMatch(key -> key.key().equals(SAMPLE))) {
            command.addOption(OptionSpec.builder("--" + SAMPLE)
                    .paramLabel("SHARE")
                    .type(String.class)
                    .description("Try it on a share of the input, such as 0.01; short for --set sample=SHARE.")
                    .build());
        }
    }

    /** The overrides that were given, {@code --sample} last. */
    private List<String> overrides() {
        OptionSpec option = spec.findOption("--" + SAMPLE);
        if (option == null || option.getValue() == null) {
            return overrides;
        }
        List<String> all = new ArrayList<>(overrides);
        all.add(SAMPLE + "=" + option.getValue());
        return all;
    }

    Failures.Detail detail() {
        return verbose ? Failures.Detail.STACK_TRACE : Failures.Detail.ONE_LINE;
    }

    private C load() throws IOException {
        Home.ConfFile found;
        if (file == null) {
            String name = String.join("/", words()) + ".yaml";
            found = home().conf(name)
                    .orElseThrow(() -> new UserException(
                            "There is no conf/" + name + " to take defaults from: name a file with --config."));
        } else if (!Files.isRegularFile(file)) {
            throw new UserException("There is no configuration file " + file.toAbsolutePath() + ": give --config a YAML"
                    + " file, or leave it out for the defaults of conf/" + String.join("/", words()) + ".yaml.");
        } else {
            found = new Home.ConfFile(file.toString(), read(file));
        }
        return Configs.load(
                type, new ByteArrayInputStream(found.content()), found.origin(), overrides(), this::sectionFile);
    }

    /** Finds the files that sections are in, for a job that binds settings inside its own. */
    final SectionFiles sectionFiles() {
        return this::sectionFile;
    }

    /** A file that holds a section: as it is named, or beside the configuration, or of the installation, or of its models. */
    private Optional<JsonNode> sectionFile(String name) {
        try {
            List<Path> places = new ArrayList<>(List.of(Path.of(name)));
            if (file != null) {
                places.add(file.toAbsolutePath().resolveSibling(name));
            }
            for (Path place : places) {
                if (Files.isRegularFile(place)) {
                    return Optional.of(Configs.read(new ByteArrayInputStream(read(place)), place.toString()));
                }
            }
            Optional<Home.ConfFile> found = home().conf(name.startsWith(CONF) ? name.substring(CONF.length()) : name);
            for (String folder : NAMED) {
                found = found.isPresent() ? found : home().conf(folder + name + ".yaml");
            }
            return found.map(content -> Configs.read(new ByteArrayInputStream(content.content()), content.origin()));
        } catch (InvalidPathException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UserException(
                    "The file " + name + " cannot be read (" + e.getMessage() + "): correct its name.", e);
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UserException(
                    "The configuration file " + file.toAbsolutePath() + " cannot be read (" + e.getMessage()
                            + "): correct the path or your rights.",
                    e);
        }
    }
}
