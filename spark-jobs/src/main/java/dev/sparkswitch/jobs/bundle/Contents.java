package dev.sparkswitch.jobs.bundle;

import java.util.List;
import java.util.stream.Stream;

/** Which of the build's classes and libraries a host without Spark is given. */
final class Contents {
    /** What the jar brings for work that needs Spark, or for writing reports. */
    private static final List<String> OF_SPARK_JOBS = List.of(
            "ai/djl/", "native/lib/", "opennlp/", "org/apache/opennlp/", "com/dynatrace/", "META-INF/resources/");

    /** ND4J, and what it brings along. */
    private static final List<String> OF_ND4J = List.of(
            "org/nd4j/",
            "org/bytedeco/openblas/",
            "org/tensorflow/",
            "tensorflow/",
            "org/threeten/",
            "org/eclipse/",
            "google/",
            "oshi/",
            "com/sun/",
            "com/jakewharton/",
            "net/ericaro/",
            "org/apache/commons/net/");

    /** Of Spark's libraries, those that we use without Spark; names before the version. */
    private static final List<String> LIBRARIES = List.of(
            "jackson-annotations",
            "jackson-core",
            "jackson-databind",
            "jackson-dataformat-yaml",
            "snakeyaml",
            "slf4j-api",
            "log4j-api",
            "log4j-core",
            "log4j-slf4j2-impl",
            "commons-math3");

    /** Those that ND4J uses as well. */
    private static final List<String> LIBRARIES_OF_ND4J =
            List.of("commons-io", "commons-lang3", "commons-codec", "flatbuffers-java", "gson");

    /** The runtime's modules: what jdeps finds in our code and in these libraries, and the services behind it. */
    private static final List<String> MODULES = List.of(
            "java.base",
            "java.logging",
            "java.management",
            "java.naming",
            "java.xml",
            "jdk.incubator.vector",
            "jdk.management",
            "jdk.unsupported",
            "jdk.zipfs");

    private static final List<String> MODULES_OF_ND4J = List.of("java.desktop", "java.sql");

    private final boolean nd4j;

    private Contents(boolean nd4j) {
        this.nd4j = nd4j;
    }

    static Contents of(BundleConfig config) {
        return new Contents(config.nd4j());
    }

    /** Whether an entry of our jar is needed. */
    boolean wants(String entry) {
        return OF_SPARK_JOBS.stream().noneMatch(entry::startsWith)
                && (nd4j || OF_ND4J.stream().noneMatch(entry::startsWith));
    }

    /** Names of libraries, before their versions. */
    List<String> libraries() {
        return nd4j ? join(LIBRARIES, LIBRARIES_OF_ND4J) : LIBRARIES;
    }

    /** Modules of the Java runtime. */
    List<String> modules() {
        return nd4j ? join(MODULES, MODULES_OF_ND4J) : MODULES;
    }

    private static List<String> join(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
