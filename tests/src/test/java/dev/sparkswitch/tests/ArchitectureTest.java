package dev.sparkswitch.tests;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The table of modules in docs/architecture.md, as rules. */
@AnalyzeClasses(packages = "dev.sparkswitch", importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {
    /** Top-level package to the module that holds it. A new package is added here and in docs/architecture.md. */
    private static final Map<String, String> MODULES = Map.ofEntries(
            Map.entry("base", "arrow-io"),
            Map.entry("arrow", "arrow-io"),
            Map.entry("engine", "switch-nd4j"),
            Map.entry("model", "switch-nd4j"),
            Map.entry("collective", "switch-nd4j"),
            Map.entry("checkpoint", "switch-nd4j"),
            Map.entry("train", "switch-nd4j"),
            Map.entry("convert", "switch-nd4j"),
            Map.entry("generate", "switch-nd4j"),
            Map.entry("bench", "switch-nd4j"),
            Map.entry("eval", "eval"),
            Map.entry("corpus", "spark-jobs"),
            Map.entry("tokenizer", "spark-jobs"),
            Map.entry("cluster", "spark-jobs"),
            Map.entry("jobs", "spark-jobs"));

    private static final String[] SPARK_JOBS = {
        "dev.sparkswitch.corpus..", "dev.sparkswitch.tokenizer..", "dev.sparkswitch.cluster..", "dev.sparkswitch.jobs.."
    };

    private static final String[] SWITCH_ND4J = {
        "dev.sparkswitch.engine..",
        "dev.sparkswitch.model..",
        "dev.sparkswitch.collective..",
        "dev.sparkswitch.checkpoint..",
        "dev.sparkswitch.train..",
        "dev.sparkswitch.convert..",
        "dev.sparkswitch.generate..",
        "dev.sparkswitch.bench.."
    };

    @ArchTest
    static final ArchRule everyPackageStandsInTheModuleOfTheTable = classes().should(standInTheirModule());

    @ArchTest
    static final ArchRule baseIsFreeOfArrowAndOfEverythingElseOfOurs = classes()
            .that()
            .resideInAPackage("dev.sparkswitch.base..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "dev.sparkswitch.base..",
                    "java..",
                    "com.fasterxml.jackson..",
                    "org.apache.hadoop..",
                    "org.slf4j..");

    @ArchTest
    static final ArchRule arrowDependsOnBaseAlone = onlyUsesOfOurs(
            new String[] {"dev.sparkswitch.arrow.."}, "dev.sparkswitch.arrow..", "dev.sparkswitch.base..");

    @ArchTest
    static final ArchRule evaluationDependsOnBaseAlone =
            onlyUsesOfOurs(new String[] {"dev.sparkswitch.eval.."}, "dev.sparkswitch.eval..", "dev.sparkswitch.base..");

    @ArchTest
    static final ArchRule enginesKnowNothingOfModelsRanksOrFiles = onlyUsesOfOurs(
            new String[] {"dev.sparkswitch.engine.."}, "dev.sparkswitch.engine..", "dev.sparkswitch.base..");

    @ArchTest
    static final ArchRule collectivesKnowNothingOfModelsOrTraining = onlyUsesOfOurs(
            new String[] {"dev.sparkswitch.collective.."},
            "dev.sparkswitch.collective..",
            "dev.sparkswitch.engine..",
            "dev.sparkswitch.base..");

    @ArchTest
    static final ArchRule modelsKnowNothingOfTrainingOrCheckpoints = noClasses()
            .that()
            .resideInAPackage("dev.sparkswitch.model..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.sparkswitch.train..", "dev.sparkswitch.checkpoint..", "dev.sparkswitch.generate..")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule theTrainerKnowsNothingOfEvaluationOrJobs = noClasses()
            .that()
            .resideInAnyPackage(SWITCH_ND4J)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(with(SPARK_JOBS, "dev.sparkswitch.eval.."))
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule onlySparkJobsImportSpark = noClasses()
            .that()
            .resideOutsideOfPackages(SPARK_JOBS)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.apache.spark..", "scala..");

    @ArchTest
    static final ArchRule onlyTheArrowPackageHandlesArrow = usedOnlyIn("dev.sparkswitch.arrow..", "org.apache.arrow..");

    @ArchTest
    static final ArchRule onlyEnginesHandleNd4jAndNativeLibraries =
            usedOnlyIn("dev.sparkswitch.engine..", "org.nd4j..", "org.bytedeco..");

    @ArchTest
    static final ArchRule onlyCollectivesHandleNetty = usedOnlyIn("dev.sparkswitch.collective..", "io.netty..");

    @ArchTest
    static final ArchRule onlyTheTokenizerHandlesSentencePiece = usedOnlyIn("dev.sparkswitch.tokenizer..", "ai.djl..");

    @ArchTest
    static final ArchRule onlyTheCommandLineHandlesPicocli = usedOnlyIn("dev.sparkswitch.jobs..", "picocli..");

    @ArchTest
    static final ArchRule nobodyCallsTheCommandLine = noClasses()
            .that()
            .resideOutsideOfPackage("dev.sparkswitch.jobs..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.sparkswitch.jobs..");

    @ArchTest
    static final ArchRule packagesDependOnEachOtherInOneDirection =
            slices().matching("dev.sparkswitch.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule onlyMainEndsTheProcess = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("dev.sparkswitch.jobs.Main")
            .should()
            .callMethod(System.class, "exit", int.class);

    @ArchTest
    static final ArchRule nothingIsReadThroughJavaSerialization =
            noClasses().should().dependOnClassesThat().haveFullyQualifiedName("java.io.ObjectInputStream");

    @ArchTest
    static void everyPackageSaysWhatItIsFor(com.tngtech.archunit.core.domain.JavaClasses all) throws IOException {
        Path root = ProjectFolder.path();
        for (String module : List.of("arrow-io", "switch-nd4j", "eval", "spark-jobs")) {
            Path sources = root.resolve(module).resolve("src/main/java");
            if (!Files.isDirectory(sources)) {
                continue;
            }
            try (Stream<Path> files = Files.walk(sources)) {
                List<Path> packages = files.filter(file -> file.toString().endsWith(".java"))
                        .map(Path::getParent)
                        .distinct()
                        .toList();
                assertThat(packages).as("packages of %s", module).allSatisfy(folder -> assertThat(
                                folder.resolve("package-info.java"))
                        .exists());
            }
        }
    }

    private static ArchRule onlyUsesOfOurs(String[] packages, String... allowed) {
        return noClasses()
                .that()
                .resideInAnyPackage(packages)
                .should()
                .dependOnClassesThat(JavaClass.Predicates.resideInAPackage("dev.sparkswitch..")
                        .and(JavaClass.Predicates.resideOutsideOfPackages(allowed)))
                .allowEmptyShould(true);
    }

    private static ArchRule usedOnlyIn(String owner, String... libraries) {
        return noClasses()
                .that()
                .resideOutsideOfPackage(owner)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(libraries);
    }

    private static String[] with(String[] packages, String another) {
        return Stream.concat(Stream.of(packages), Stream.of(another)).toArray(String[]::new);
    }

    private static ArchCondition<JavaClass> standInTheirModule() {
        return new ArchCondition<>("stand in the module that the table gives their package") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                String[] parts = type.getPackageName().split("\\.");
                String module = parts.length < 3 ? null : MODULES.get(parts[2]);
                String location = type.getSource().orElseThrow().getUri().toString();
                boolean there = module != null
                        && (location.contains("/" + module + "/target/")
                                || location.contains("/sparkswitch-" + module + "-"));
                events.add(new SimpleConditionEvent(
                        type, there, type.getName() + " lies in " + location + ", its module is " + module));
            }
        };
    }
}
