package dev.sparkswitch.jobs.bundle;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Which of the build's classes and libraries a host without Spark is given. */
final class Contents {
    /** What the jar brings for work that needs Spark. */
    private static final List<String> OF_SPARK_JOBS =
            List.of("opennlp/", "org/apache/opennlp/", "langdetect", "com/dynatrace/");

    /** What the jar brings for tokenizers and reports. */
    private static final List<String> OF_TRAINING = List.of("ai/djl/", "native/lib/", "META-INF/resources/");

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

    /** Those that files and shards are read with, and that several ranks talk by. */
    private static final List<String> LIBRARIES_OF_TRAINING = List.of(
            "hadoop-client-api",
            "hadoop-client-runtime",
            "arrow-format",
            "arrow-vector",
            "arrow-memory-core",
            "arrow-memory-netty",
            "arrow-memory-netty-buffer-patch",
            "flatbuffers-java",
            "netty-buffer",
            "netty-codec-base",
            "netty-common",
            "netty-handler",
            "netty-resolver",
            "netty-transport",
            "netty-transport-native-unix-common",
            "jackson-datatype-jsr310",
            "protobuf-java",
            "commons-codec");

    /** The modules of the runtime that Hadoop's client asks for: who the user is. */
    private static final List<String> MODULES_OF_TRAINING =
            List.of("java.security.jgss", "java.security.sasl", "java.sql", "jdk.security.auth");

    /** The runtime's modules: what our code and these libraries use. */
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

    private final boolean nd4j;
    private final boolean training;

    private Contents(boolean nd4j, boolean training) {
        this.nd4j = nd4j;
        this.training = training;
    }

    static Contents of(BundleConfig config) {
        return new Contents(config.nd4j(), config.training());
    }

    /** Whether an entry of our jar is needed. */
    boolean wants(String entry) {
        return OF_SPARK_JOBS.stream().noneMatch(entry::startsWith)
                && (training || OF_TRAINING.stream().noneMatch(entry::startsWith))
                && !UNUSED_CUDA.matcher(entry).matches()
                && (nd4j || OF_ND4J.stream().noneMatch(entry::startsWith));
    }

    /** Names of libraries, before their versions. */
    Set<String> libraries() {
        Set<String> libraries = new TreeSet<>(LIBRARIES);
        if (nd4j) {
            libraries.addAll(LIBRARIES_OF_ND4J);
        }
        if (training) {
            libraries.addAll(LIBRARIES_OF_TRAINING);
        }
        return libraries;
    }

    /** The modules of the runtime. */
    List<String> modules() {
        return training
                ? Stream.concat(MODULES.stream(), MODULES_OF_TRAINING.stream()).toList()
                : MODULES;
    }
}
