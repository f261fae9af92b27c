package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigsTest {
    enum Optimizer {
        ADAFACTOR,
        ADAM_W
    }

    record Job(
            @Setting(help = "Folder of the shards") String input,
            @Setting("3") int dModel,
            @Setting("1e-3") double rate,
            @Setting("0.1") float dropout,
            @Setting("true") boolean resume,
            @Setting("10m") Duration deadline,
            @Setting("64MiB") DataSize bucket,

            @Setting(value = "adafactor", help = "How weights move")
            Optimizer optimizer,

            Optional<Long> seed,
            @Setting("[]") List<Task> tasks,
            @Setting("{}") Map<String, Double> weights,
            @Setting("1") JsonNode extra,
            Schedule schedule) {}

    record Task(String name, @Setting("1") int copies) {}

    record Schedule(
            @Setting("100") long steps, @Setting("10") long warmUp) {
        Schedule {
            if (warmUp > steps) {
                throw new IllegalArgumentException("warm-up " + warmUp + " is longer than the " + steps + " steps");
            }
        }
    }

    private static final String FULL = """
            input: /data/shards
            d-model: 128
            rate: 5.0e-2
            dropout: 0
            resume: false
            deadline: 1h30m
            bucket: 1.5GiB
            optimizer: adam-w
            seed: 42
            tasks:
              - {name: squad, copies: 2}
              - {name: boolq}
            weights: {squad: 0.5, boolq: 2}
            extra: {anything: [goes]}
            schedule: {steps: 7, warm-up: 1}
            """;

    @Choice("kind")
    sealed interface Course {
        record Constant(@Setting("0.1") double rate) implements Course {}

        record WarmUp(
                @Setting("0.1") double rate,

                @Setting(value = "10", help = "steps to the full rate")
                int steps) implements Course {}

        record NoneAtAll() implements Course {}
    }

    record Courses(Course course, Optional<Course> other) {}

    private static Courses courses(String yaml, String... overrides) {
        return Configs.load(Courses.class, yaml(yaml), List.of(overrides));
    }

    @Test
    void aSectionIsBoundToTheRecordThatItNames() {
        assertThat(courses("{}")).isEqualTo(new Courses(new Course.Constant(0.1), Optional.empty()));
        assertThat(courses("course: {rate: 2}").course()).isEqualTo(new Course.Constant(2));
        assertThat(courses("course: {kind: warm-up, steps: 3}").course()).isEqualTo(new Course.WarmUp(0.1, 3));
        assertThat(courses("course: warm-up").course()).isEqualTo(new Course.WarmUp(0.1, 10));
        assertThat(courses("other: {kind: none-at-all}").other()).contains(new Course.NoneAtAll());
        assertThat(courses("course: {rate: 2}", "course.kind=warm-up").course()).isEqualTo(new Course.WarmUp(2, 10));
    }

    @Test
    void aChoiceTakesTheKeysOfItsRecordAndNoOthers() {
        assertThatMessage(() -> courses("course: {kind: constant, steps: 3}"))
                .isEqualTo("In the configuration: course.steps: it belongs to the course.kind warm-up, not constant");
        assertThatMessage(() -> courses("course: {kind: warm-up, step: 3}"))
                .isEqualTo("In the configuration: course.step: unknown key; the nearest known one is course.steps");
        String choice = " is no choice of constant, warm-up, none-at-all";
        assertThatMessage(() -> courses("course: {kind: linear}"))
                .isEqualTo("In the configuration: course.kind: 'linear'" + choice);
        assertThatMessage(() -> courses("course: linear")).isEqualTo("In the configuration: course: 'linear'" + choice);
        assertThatMessage(() -> courses("course: 3")).isEqualTo("In the configuration: course: 3" + choice);
    }

    @Test
    void aChoiceThatIsWrittenIsReadBackTheSame() {
        for (String yaml : List.of("{}", "{course: warm-up, other: {rate: 3}}", "{course: none-at-all}")) {
            Courses courses = courses(yaml);
            assertThat(Configs.load(Courses.class, Configs.toTree(courses), List.of()))
                    .isEqualTo(courses);
        }
    }

    @Test
    void theKeysOfAllAlternativesAreDescribedOnce() {
        assertThat(Configs.describe(Courses.class).stream().map(Configs.Key::key))
                .containsExactly(
                        "course.kind",
                        "course.rate",
                        "course.steps",
                        "other",
                        "other.kind",
                        "other.rate",
                        "other.steps");
        assertThat(Configs.describe(Courses.class).get(0))
                .isEqualTo(new Configs.Key(
                        "course.kind", "choice of constant, warm-up, none-at-all", Optional.of("constant"), ""));
    }

    @Test
    void everythingButTheRequiredHasItsDefault() {
        assertThat(load("input: x"))
                .isEqualTo(new Job(
                        "x",
                        3,
                        1e-3,
                        0.1f,
                        true,
                        Duration.ofMinutes(10),
                        new DataSize(64 << 20),
                        Optimizer.ADAFACTOR,
                        Optional.empty(),
                        List.of(),
                        Map.of(),
                        IntNode.valueOf(1),
                        new Schedule(100, 10)));
    }

    @Test
    void everyKeyIsBound() {
        assertThat(load(FULL))
                .isEqualTo(new Job(
                        "/data/shards",
                        128,
                        0.05,
                        0f,
                        false,
                        Duration.ofMinutes(90),
                        new DataSize(3L << 29),
                        Optimizer.ADAM_W,
                        Optional.of(42L),
                        List.of(new Task("squad", 2), new Task("boolq", 1)),
                        Map.of("squad", 0.5, "boolq", 2.0),
                        yaml("{anything: [goes]}"),
                        new Schedule(7, 1)));
    }

    @Test
    void overridesWinOverTheFile() {
        Job job = load(
                FULL,
                "schedule.steps=9",
                "schedule.warm-up=0",
                "seed=",
                "tasks=[{name: xsum}]",
                "weights.squad=3",
                "input=a=b");

        assertThat(job.schedule()).isEqualTo(new Schedule(9, 0));
        assertThat(job.seed()).isEmpty();
        assertThat(job.tasks()).containsExactly(new Task("xsum", 1));
        assertThat(job.weights()).containsEntry("squad", 3.0).containsEntry("boolq", 2.0);
        assertThat(job.input()).isEqualTo("a=b");
    }

    @Test
    void overridesReachSectionsThatTheFileLacks() {
        assertThat(load("input: x", "schedule.steps=11").schedule()).isEqualTo(new Schedule(11, 10));
    }

    @Test
    void bindingLeavesTheTreeAlone() {
        JsonNode tree = yaml("{input: x}");

        Configs.load(Job.class, tree, List.of("schedule.steps=11"));

        assertThat(tree).isEqualTo(yaml("{input: x}"));
    }

    @Test
    void unknownKeyIsAnErrorWithTheNearestKnownOne() {
        assertThatMessage(() -> load("{input: x, schedule: {step: 5}}"))
                .isEqualTo("In test.yaml: schedule.step: unknown key; the nearest known one is schedule.steps");
        assertThatMessage(() -> load("{input: x, warm-up: 5}")).endsWith("nearest known one is schedule.warm-up");
        assertThatMessage(() -> load("{input: x, d_model: 5}")).endsWith("nearest known one is d-model");
        assertThatMessage(() -> load("{input: x, dModel: 5}")).endsWith("nearest known one is d-model");
        assertThatMessage(() -> load("{input: x, tasks: [{name: a, copy: 5}]}"))
                .endsWith("tasks[0].copy: unknown key; the nearest known one is tasks[0].copies");
    }

    @Test
    void allMistakesAreReportedTogether() {
        assertThatMessage(() -> load(
                        "{d-model: many, resume: perhaps, optimizer: sgd, extras: 1, tasks: [{copies: 1.5}]}",
                        "schedule.steps=5",
                        "schedule.wrm-up=1",
                        "nonsense"))
                .isEqualTo("""
                        In test.yaml: 9 settings are wrong:
                          'nonsense' is no override of the form key=value, such as train.steps=100
                          input: it is missing and has no default; give a text (Folder of the shards)
                          d-model: 'many' is no whole number
                          resume: 'perhaps' is no true or false
                          optimizer: 'sgd' is no choice of adafactor, adam-w
                          tasks[0].name: it is missing and has no default; give a text
                          tasks[0].copies: 1.5 is no whole number
                          schedule.wrm-up: unknown key; the nearest known one is schedule.warm-up (from --set)
                          extras: unknown key; the nearest known one is extra""");
    }

    @Test
    void whatARecordRefusesIsReportedWithItsKey() {
        assertThatMessage(() -> load("{input: x, schedule: {steps: 5}, rate: fast}"))
                .isEqualTo("""
                        In test.yaml: 2 settings are wrong:
                          rate: 'fast' is no number
                          schedule: warm-up 10 is longer than the 5 steps""");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            d-model: 3000000000     | d-model: 3000000000 is no whole number in range
            d-model: 1.5            | d-model: 1.5 is no whole number
            d-model: '"1"'          | d-model: '1' is no whole number
            d-model: [1]            | d-model: [1] is no whole number
            d-model:                | d-model: it has no value; give a whole number
            rate: 1e999             | rate: "Infinity" is no number
            dropout: 1e99           | dropout: 1.0E99 is no number
            resume: 1               | resume: 1 is no true or false
            deadline: 10            | deadline: 10 is no duration such as 10m
            deadline: 10 minutes    | deadline: '10 minutes' is no duration such as 10m
            deadline: -1s           | deadline: '-1s' is no duration such as 10m
            deadline: 9999999999999999999d | deadline: '9999999999999999999d' is no duration such as 10m
            bucket: 64              | bucket: 64 is no size such as 64MiB
            bucket: 64mib           | bucket: '64mib' is no size such as 64MiB
            bucket: 0.3B            | bucket: '0.3B' is no size such as 64MiB
            bucket: 9999999TiB      | bucket: '9999999TiB' is no size such as 64MiB
            seed: x                 | seed: 'x' is no whole number
            tasks: {}               | tasks: {} is no list of sections
            tasks: [1]              | tasks[0]: 1 is no section
            weights: [1]            | weights: [1] is no map from names to numbers
            weights: {a: b}         | weights.a: 'b' is no number
            schedule: 5             | schedule: 5 is no section
            optimizer: ADAM_W       | optimizer: 'ADAM_W' is no choice of adafactor, adam-w
            """, quoteCharacter = '`')
    void badTypeNamesKeyAndValue(String line, String expected) {
        assertThatMessage(() -> load("input: x\n" + line.replace("'", ""))).isEqualTo("In test.yaml: " + expected);
    }

    @Test
    void textThatYamlTakesForANumberAsksForQuotes() {
        assertThatMessage(() -> load("input: 1.10"))
                .isEqualTo("In test.yaml: input: 1.1 is no text (put it in quotes)");
        assertThat(load("input: '1.10'").input()).isEqualTo("1.10");
    }

    @Test
    void documentsThatAreNoSectionAreRefused() {
        assertThatMessage(() -> load("[1, 2]")).isEqualTo("In test.yaml: [1,2] is no section");
        assertThatMessage(() -> load("a: [1")).startsWith("test.yaml is no valid YAML in line ");
        assertThatMessage(() -> load("input: a\ninput: b")).contains("test.yaml is no valid YAML", "input");
        assertThatMessage(() -> load("input: a\n---\ninput: b")).contains("test.yaml is no valid YAML");
        assertThatMessage(() -> load("")).contains("input: it is missing");
        assertThatMessage(() -> load("input: a", "input.b=1"))
                .isEqualTo("In test.yaml: input.b: input is no section, so it has no keys to override");
        assertThatMessage(() -> load("input: a", "rate=[1")).contains("rate: the value of 'rate=[1' is no valid YAML");
    }

    @Test
    void filesAreNamedInErrors(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("job.yaml");
        assertThatMessage(() -> Configs.load(Job.class, file, List.of())).contains(file + " does not exist");
        assertThatMessage(() -> Configs.load(Job.class, folder, List.of())).contains(folder + " cannot be read");

        Files.writeString(file, FULL);
        assertThat(Configs.load(Job.class, file, List.of())).isEqualTo(load(FULL));
        Files.writeString(file, "inputs: x");
        assertThatMessage(() -> Configs.load(Job.class, file, List.of()))
                .contains(file.toString(), "nearest known one is input");
    }

    @Test
    void keysAreDescribed() {
        assertThat(Configs.describe(Job.class))
                .contains(
                        new Configs.Key("input", "text", Optional.empty(), "Folder of the shards"),
                        new Configs.Key(
                                "optimizer",
                                "choice of adafactor, adam-w",
                                Optional.of("adafactor"),
                                "How weights move"),
                        new Configs.Key("seed", "whole number", Optional.empty(), ""),
                        new Configs.Key("tasks", "list of sections", Optional.of("[]"), ""),
                        new Configs.Key("tasks[].copies", "whole number", Optional.of("1"), ""),
                        new Configs.Key("weights", "map from names to numbers", Optional.of("{}"), ""),
                        new Configs.Key("schedule.warm-up", "whole number", Optional.of("10"), ""))
                .extracting(Configs.Key::key)
                .startsWith("input", "d-model", "rate")
                .endsWith("schedule.steps", "schedule.warm-up");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0B", "1B", "1023B", "1KiB", "64MiB", "3GiB", "1025KiB", "5000TiB"})
    void sizesPrintAsTheyAreRead(String text) {
        assertThat(DataSize.parse(text)).hasToString(text);
    }

    @Test
    void decimalUnitsArePowersOfAThousand() {
        assertThat(DataSize.parse("1.5 kB")).isEqualTo(new DataSize(1500)).isLessThan(DataSize.parse("1.5KiB"));
    }

    private static Job load(String yaml, String... overrides) {
        ByteArrayInputStream in = new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8));
        return Configs.load(Job.class, in, "test.yaml", List.of(overrides));
    }

    private static JsonNode yaml(String text) {
        return Configs.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), "test.yaml");
    }

    private static org.assertj.core.api.AbstractStringAssert<?> assertThatMessage(ThrowingCallable call) {
        Throwable thrown = org.assertj.core.api.Assertions.catchThrowable(call);
        assertThat(thrown).isInstanceOf(UserException.class);
        return assertThat(thrown.getMessage());
    }

    private static final SectionFiles FILES = name -> name.equals("slow.yaml")
            ? Optional.of(Configs.read(
                    new ByteArrayInputStream("{steps: 500, warm-up: 50}".getBytes(StandardCharsets.UTF_8)), name))
            : Optional.empty();

    private static Schedule schedule(String yaml, String... overrides) {
        return Configs.load(
                        Job.class,
                        new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)),
                        "job.yaml",
                        List.of(overrides),
                        FILES)
                .schedule();
    }

    @Test
    void aSectionMayLieInAFileOfItsOwn() {
        assertThat(schedule("{input: x, schedule: slow.yaml}")).isEqualTo(new Schedule(500, 50));
        assertThat(schedule("{input: x}", "schedule=slow.yaml")).isEqualTo(new Schedule(500, 50));
    }

    @Test
    void whatIsSaidBesideTheFileCountsMore() {
        assertThat(schedule("{input: x, schedule: {file: slow.yaml, warm-up: 7}}"))
                .isEqualTo(new Schedule(500, 7));
        assertThat(schedule("{input: x, schedule: slow.yaml}", "schedule.warm-up=8"))
                .isEqualTo(new Schedule(500, 8));
        assertThat(schedule("{input: x}", "schedule=slow.yaml", "schedule.steps=60"))
                .isEqualTo(new Schedule(60, 50));
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatMessage(() -> schedule("{input: x, schedule: fast.yaml}"))
                .isEqualTo("In job.yaml: schedule: there is no file 'fast.yaml'; correct its name, or give a section");
        assertThatMessage(() -> load("{input: x, schedule: slow.yaml}")).contains("there is no file 'slow.yaml'");
    }

    record Run(Limits limits, Optional<Schedule> schedule, int rows) {
        Run {
            if (rows > limits.rows()) {
                throw new IllegalArgumentException("rows " + rows + " exceed the limit of " + limits.rows());
            }
        }
    }

    record Limits(@Setting("10") int rows) {
        Limits {
            if (rows < 1) {
                throw new IllegalArgumentException("limit " + rows + " must be at least 1");
            }
        }
    }

    /** What a section's constructor refuses does not hide what the one around it would refuse. */
    @Test
    void contradictionsOfAllSectionsAreReportedTogether() {
        assertThatMessage(() -> Configs.load(
                        Run.class,
                        new ByteArrayInputStream(
                                "{rows: 11, limits: {rows: 0}, schedule: {steps: 1}}".getBytes(StandardCharsets.UTF_8)),
                        "run.yaml",
                        List.of()))
                .contains("3 settings are wrong")
                .contains("limits: limit 0 must be at least 1")
                .contains("schedule: warm-up 10 is longer than the 1 steps")
                .contains("rows 11 exceed the limit of 10");
    }
}
