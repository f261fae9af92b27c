package dev.sparkswitch.tests.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.cluster.ClusterOptions;
import dev.sparkswitch.cluster.TransportEncryption;
import dev.sparkswitch.collective.NettyCollectives;
import dev.sparkswitch.collective.NettyOptions;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.RankOutcome.Failure;
import dev.sparkswitch.train.RankOutcome.Success;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A session whose own calls are encrypted, with executors that are processes of their own. */
class TlsClusterTest {
    private static final RankGroup BOTH = RankGroup.world(2);
    private static final String PASSWORD = "of this test alone";
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    @TempDir
    static Path folder;

    private static JavaSparkContext spark;

    @BeforeAll
    static void start() throws Exception {
        String store = keyStore().toString();
        SparkConf conf = BarrierCluster.configure(SparkHome.localCluster(2, 1)).set("spark.ssl.rpc.enabled", "true");
        for (String kind : List.of("keyStore", "trustStore")) {
            conf.set("spark.ssl.rpc." + kind, store)
                    .set("spark.ssl.rpc." + kind + "Type", "PKCS12")
                    .set("spark.ssl.rpc." + kind + "Password", PASSWORD);
        }
        spark = new JavaSparkContext(conf);
    }

    @AfterAll
    static void stop() {
        if (spark != null) {
            spark.stop();
        }
    }

    /** A key and a certificate that it signed itself. */
    private static Path keyStore() throws IOException, InterruptedException {
        Path file = folder.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "ranks",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=ranks",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        file.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("keytool.log").toFile())
                .start();
        assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(file).exists();
        return file;
    }

    /** Runs two ranks; executors of a busy host take long to come. */
    private static <R extends Serializable> List<RankOutcome<R>> run(RankBody<R> body) {
        ClusterOptions patient =
                new ClusterOptions(Duration.ofMinutes(2), Duration.ofMinutes(1), Duration.ofSeconds(1));
        return new BarrierCluster(spark, patient).run(2, 0, body, status -> {});
    }

    private static NettyOptions clear() {
        return NettyOptions.defaults().withDeadline(DEADLINE).withConnectTimeout(DEADLINE);
    }

    /** The sum over the ranks of 1 + rank, by connections with {@code options}. */
    private static double sum(RankContext context, NettyOptions options) throws Exception {
        try (NettyCollectives collectives = NettyCollectives.connect(context, options)) {
            ByteBuffer data = ByteBuffer.allocateDirect(Double.BYTES).order(ByteOrder.nativeOrder());
            data.putDouble(0, 1 + context.rank());
            collectives.allReduceSum(data, DType.FLOAT64, BOTH);
            return data.getDouble(0);
        }
    }

    @Test
    void ranksEncryptWithTheKeysOfTheSession() {
        RankBody<String> body = context -> {
            NettyOptions options = TransportEncryption.ofTask(clear());
            return options.tls().isPresent() + " " + sum(context, options);
        };

        assertThat(run(body)).containsExactly(new Success<>(0, "true 3.0"), new Success<>(1, "true 3.0"));
    }

    @Test
    void aRankThatSpeaksInTheClearDoesNotGetIn() {
        RankBody<Double> body =
                context -> sum(context, context.rank() == 0 ? TransportEncryption.ofTask(clear()) : clear());

        List<RankOutcome<Double>> outcomes = run(body);

        assertThat(outcomes).hasSize(2).allSatisfy(outcome -> assertThat(outcome)
                .isInstanceOf(Failure.class));
    }

    @Test
    void everyRunHasASecretOfItsOwnThatNoLogTells() throws IOException {
        String first = secret();
        String second = secret();

        assertThat(second).isNotEqualTo(first);
        byte[] bytes = HexFormat.of().parseHex(first);
        String encoded = Base64.getEncoder().encodeToString(bytes);
        try (Stream<Path> logs = Files.walk(Path.of(System.getenv("SPARK_HOME"), "work"))) {
            List<Path> written = logs.filter(Files::isRegularFile)
                    .filter(log -> log.getFileName().toString().startsWith("std"))
                    .toList();
            assertThat(written).isNotEmpty();
            for (Path log : written) {
                assertThat(Files.readString(log).toLowerCase()).doesNotContain(first, encoded.toLowerCase());
            }
        }
    }

    /** The secret that both ranks of a run were given. */
    private static String secret() {
        List<RankOutcome<String>> outcomes = run(context -> HexFormat.of().formatHex(context.secret()));
        List<String> secrets = outcomes.stream()
                .map(outcome -> ((Success<String>) outcome).value())
                .distinct()
                .toList();
        assertThat(secrets).hasSize(1);
        return secrets.get(0);
    }
}
