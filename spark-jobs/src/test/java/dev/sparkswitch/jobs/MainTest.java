package dev.sparkswitch.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MainTest {
    private static final Home PROJECT = Home.at(Path.of("..").toAbsolutePath().normalize());

    @TempDir
    private Path home;

    @BeforeEach
    void writeDefaults() throws IOException {
        Files.createDirectories(home.resolve("conf"));
        Files.writeString(home.resolve("conf/copy.yaml"), "rows: 4\n");
    }

    @Test
    void theDefaultConfigurationIsTheFileOfTheCommandsName() {
        Outcome outcome = run("copy");

        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).isEqualTo("Copied 4 rows.\n");
        assertThat(outcome.err()).isEmpty();
    }

    @Test
    void aKeySetOnTheCommandLineWinsOverTheFile() {
        assertThat(run("copy", "--set", "rows=3").out()).isEqualTo("Copied 3 rows.\n");
    }

    @Test
    void aSampleIsAnOptionOfTheCommandsThatTakeOne() {
        assertThat(execute(PROJECT, Main.jobs(), "batch", "--dry-run", "--sample", "0.25")
                        .out())
                .contains("sample: 0.25\n");
        assertThat(run("copy", "--sample", "0.25").err()).startsWith("error: Unknown option");
    }

    @Test
    void aFileOfOnesOwnReplacesTheDefaultFile() throws IOException {
        Path file = Files.writeString(home.resolve("my copy.yaml"), "rows: 2\n");

        assertThat(run("copy", "--config", file.toString()).out()).isEqualTo("Copied 2 rows.\n");
    }

    @Test
    void aMissingConfigurationFileIsNamedWithTheRemedy() {
        Outcome outcome = run("copy", "--config", home.resolve("nowhere.yaml").toString());

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err())
                .startsWith("error: There is no configuration file " + home.resolve("nowhere.yaml"))
                .hasLineCount(1);
    }

    @Test
    void anUnreadableConfigurationIsTheUsersMistake() throws IOException {
        Path file = Files.writeString(home.resolve("broken.yaml"), "rows: [1, 2\n");

        Outcome outcome = run("copy", "--config", file.toString());

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("error: ").contains("broken.yaml");
    }

    @Test
    void anUnknownKeyIsRefusedWithTheNearestKnownOne() {
        Outcome outcome = run("copy", "--set", "row=3");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("error: ").contains("row").contains("rows");
    }

    @Test
    void aValueOfTheWrongTypeIsRefusedWithTheKeyAndTheValue() {
        Outcome outcome = run("copy", "--set", "rows=many");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("error: ").contains("rows").contains("many");
    }

    @Test
    void anUnknownCommandIsRefusedWithTheNearestKnownOne() {
        Outcome outcome = run("coppy");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err())
                .isEqualTo("error: There is no command 'coppy'; did you mean 'copy'? Try: sparkswitch --help\n");
    }

    @Test
    void oneSetTakesSeveralKeys() {
        assertThat(run("copy", "--set", "rows=3", "ending=done").out()).isEqualTo("Copied 3 rows.\n");
        assertThat(run("copy", "--set", "rows=3", "ending=user-mistake").code()).isEqualTo(2);
    }

    @Test
    void theFirstOfTwoWordsAloneIsAMistakeThatPointsToItsHelp() {
        Outcome outcome = execute(PROJECT, Main.jobs(), "bench");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).isEqualTo("error: Missing required subcommand. Try: sparkswitch bench --help\n");
        assertThat(execute(PROJECT, Main.jobs(), "bench", "--help").out()).contains("step");
    }

    @Test
    void anUnknownOptionIsRefused() {
        Outcome outcome = run("copy", "--sett", "rows=3");

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err())
                .startsWith("error: Unknown option")
                .contains("--sett")
                .contains("sparkswitch copy --help");
    }

    @Test
    void aMissingCommandIsAMistakeThatPointsToTheHelp() {
        Outcome outcome = run();

        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).isEqualTo("error: A command is missing. Try: sparkswitch --help\n");
    }

    @Test
    void aDryRunPrintsTheResolvedConfigurationAndThePlanOnly() {
        Outcome outcome = run("copy", "--dry-run", "--set", "rows=9");

        assertThat(outcome.code()).isZero();
        assertThat(outcome.out())
                .contains("rows: 9")
                .contains("It would copy 9 rows.")
                .doesNotContain("Copied");
    }

    @ParameterizedTest
    @CsvSource({
        "user-mistake, 2, error: The folder in is empty: name one with rows.",
        "missing-resource, 3, error: There are no executors: start some.",
        "user-mistake-in-a-task, 2, error: The shard 7 is damaged: run batch again.",
    })
    void aKnownFailureIsOneLineWithItsExitCode(String ending, int code, String line) {
        Outcome outcome = run("copy", "--set", "ending=" + ending);

        assertThat(outcome.code()).isEqualTo(code);
        assertThat(outcome.err()).isEqualTo(line + "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"defect", "defect-of-ours"})
    void aDefectIsOneLineThatNamesTheFileWithTheStackTrace(String ending) throws IOException {
        Outcome outcome = run("copy", "--set", "ending=" + ending);

        assertThat(outcome.code()).isEqualTo(4);
        assertThat(outcome.err()).startsWith("error: ").hasLineCount(1);
        Matcher details = Pattern.compile("\\(details: (.*)\\)").matcher(outcome.err());
        assertThat(details.find()).isTrue();
        Path file = Path.of(details.group(1));
        assertThat(Files.readString(file)).contains("CopyJob.run");
        Files.delete(file);
    }

    @Test
    void verboseShowsTheStackTraceAtOnce() {
        Outcome outcome = run("copy", "--verbose", "--set", "ending=defect");

        assertThat(outcome.code()).isEqualTo(4);
        assertThat(outcome.err()).contains("\tat dev.sparkswitch.jobs.CopyJob.run");
    }

    @Test
    void memoryThatRunsOutIsAMissingResourceWithTheRemedy() {
        Outcome outcome = run("copy", "--set", "ending=out-of-memory");

        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("SPARKSWITCH_DRIVER_MEMORY").hasLineCount(1);
    }

    @Test
    void theHelpListsEveryCommand() {
        Outcome outcome = run("--help");

        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("copy").contains("Copies rows.").contains("Exit codes");
    }

    @Test
    void theHelpOfACommandShowsItsKeysTheirDefaultsAndExamples() {
        Outcome outcome = run("copy", "--help");

        assertThat(outcome.code()).isZero();
        assertThat(outcome.out())
                .contains("rows: 5")
                .contains("How many rows to copy.")
                .contains("--dry-run")
                .contains("sparkswitch copy --set rows=3");
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandExplainsItself(String command) {
        Outcome outcome = execute(PROJECT, Main.jobs(), words(command, "--help"));

        assertThat(outcome.code()).isZero();
        assertThat(outcome.out())
                .contains("Examples:")
                .contains("sparkswitch " + command)
                .contains("Configuration keys");
    }

    @ParameterizedTest
    @MethodSource("commands")
    void theDefaultsOfEveryCommandBindButForWhatOnlyTheUserKnows(String command) {
        Outcome outcome = execute(PROJECT, Main.jobs(), words(command, "--dry-run"));

        if (outcome.code() != 0) {
            assertThat(outcome.err())
                    .contains("missing")
                    .doesNotContain("unknown")
                    .doesNotContain("must");
        }
    }

    @Test
    void aModelIsAFileOfTheInstallationOrBesideTheConfiguration() throws IOException {
        assertThat(execute(PROJECT, Main.jobs(), "pretrain", "--dry-run").out()).contains("    experts: 8\n");
        assertThat(execute(
                                PROJECT,
                                Main.jobs(),
                                "pretrain",
                                "--dry-run",
                                "--set",
                                "model=switch-large-128",
                                "--set",
                                "model.vocabulary-size=4224")
                        .out())
                .contains("  vocabulary-size: 4224\n", "  model-size: 1024\n", "    experts: 128\n");
        assertThat(execute(
                                PROJECT,
                                Main.jobs(),
                                "pretrain",
                                "--dry-run",
                                "--set",
                                "model=conf/models/paper/switch-c.yaml")
                        .out())
                .contains("  model-size: 2080\n", "    experts: 2048\n");
        Files.writeString(home.resolve("mine.yaml"), "heads: 3\n");
        Path config = Files.writeString(
                home.resolve("pretrain.yaml"), "{shards: a, output: b, model: {file: mine.yaml, dropout: 0}}");
        assertThat(execute(PROJECT, Main.jobs(), "pretrain", "--dry-run", "--config", config.toString())
                        .out())
                .contains("  heads: 3\n", "  dropout: 0.0\n");
        assertThat(execute(PROJECT, Main.jobs(), "pretrain", "--dry-run", "--set", "model=none.yaml")
                        .err())
                .contains("model: there is no file 'none.yaml'")
                .hasLineCount(1);
    }

    @Test
    void theVersionIsThatOfTheBuild() {
        Outcome outcome = run("--version");

        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).matches("SparkSwitch \\d+\\.\\d+\\.\\d+\\S* \\(Java .*\\)\n");
    }

    static List<String> commands() {
        return Main.jobs().stream().map(job -> String.join(" ", job.words())).toList();
    }

    private static String[] words(String command, String option) {
        return (command + " " + option).split(" ");
    }

    private Outcome run(String... arguments) {
        return execute(Home.at(home), List.of(new CopyJob()), arguments);
    }

    private static Outcome execute(Home home, List<Job<?>> jobs, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(home, jobs, new PrintWriter(out), new PrintWriter(err), arguments);
        return new Outcome(code, out.toString(), err.toString());
    }

    private record Outcome(int code, String out, String err) {}
}
