package dev.sparkswitch.jobs.bundle;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Which of the build's classes and libraries a host without Spark is given. */
final class Contents {
    /** What the jar brings for work that needs Spark, or for writing reports. */
    private static final List<String> OF_SPARK_JOBS = List.of(
            "ai/djl/",
            "native/lib/",
            "opennlp/",
            "org/apache/opennlp/",
            "langdetect",
            "com/dynatrace/",
            "META-INF/resources/");

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
            "nd4j-",
            "onnx",
            "ops.proto",
            "org/apache/commons/net/");

    /** Bindings to CUDA's libraries that the engine does not use, by far the most. */
    private static final Pattern UNUSED_CUDA = Pattern.compile("org/bytedeco/cuda/(global/|linux-x86_64/libjni)?"
            + "(npp|cudnn|cufft|cufile|curand|cusolver|cusparse|nvblas|nvcomp|nvjpeg).*");

    /** Of Spark's libraries, those that we use without Spark; names before the version. */
    private static final List<String> LIBRARIES = List.of(
            "jackson-annotations",
            "jackson-core",
            "jackson-databind",
            "jackson-dataformat-yaml",
            "snakeyaml",
            "slf4j-api",
            "commons-math3");

    /** Those that ND4J uses as well. */
    private static final List<String> LIBRARIES_OF_ND4J =
            List.of("commons-io", "commons-lang3", "commons-codec", "flatbuffers-java", "gson");

    /** The runtime's modules: what our code and these libraries use. */
    static final List<String> MODULES = List.of(
            "java.base",
            "java.logging",
            "java.management",
            "java.naming",
            "java.xml",
            "jdk.incubator.vector",
            "jdk.management",
            "jdk.unsupported",
            "jdk.zipfs");

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
                && !UNUSED_CUDA.matcher(entry).matches()
                && (nd4j || OF_ND4J.stream().noneMatch(entry::startsWith));
    }

    /** Names of libraries, before their versions. */
    List<String> libraries() {
        return nd4j
                ? Stream.concat(LIBRARIES.stream(), LIBRARIES_OF_ND4J.stream()).toList()
                : LIBRARIES;
    }
}
