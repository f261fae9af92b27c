package dev.sparkswitch.cluster;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.NettyOptions;
import dev.sparkswitch.collective.Tls;
import java.io.File;
import java.util.List;
import java.util.Optional;
import org.apache.spark.SSLOptions;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.OptionConverters;

/**
 * Whether the ranks' connections are encrypted: by TLS where Spark's own calls are ({@code spark.ssl.rpc.enabled}), with the same
 * key stores, which Spark takes care to hand to executors. Spark's other encryption has no certificates that ranks could use,
 * so that a session with it alone is refused instead of being let run in the clear.
 */
public final class TransportEncryption {
    private static final String TLS = "spark.ssl.rpc.enabled";
    private static final String KEY_STORE = "spark.ssl.rpc.keyStore";
    private static final List<String> OTHER_ENCRYPTION =
            List.of("spark.network.crypto.enabled", "spark.authenticate.enableSaslEncryption");

    private TransportEncryption() {}

    /**
     * Refuses a session that encrypts its own traffic, but could not encrypt the ranks'.
     *
     * @throws UserException naming the setting that is missing
     */
    static void require(SparkConf conf) {
        if (conf.getBoolean(TLS, false)) {
            if (!conf.contains(KEY_STORE)) {
                throw new UserException(TLS
                        + "=true encrypts Spark's traffic, and the ranks' is to be encrypted with the"
                        + " same key store, but " + KEY_STORE + " is not set: set it (PKCS12 or JKS; PEM files will not"
                        + " do)");
            }
            return;
        }
        for (String key : OTHER_ENCRYPTION) {
            if (conf.getBoolean(key, false)) {
                throw new UserException(
                        key + "=true encrypts Spark's traffic, but the ranks' would go in the clear: set " + TLS
                                + "=true with " + KEY_STORE + " and its password, or train with one rank");
            }
        }
    }

    /** {@code options} with the encryption of the session that the running task belongs to. */
    public static NettyOptions ofTask(NettyOptions options) {
        SparkEnv session = SparkEnv.get();
        if (session == null || !session.conf().getBoolean(TLS, false)) {
            return options;
        }
        return options.withTls(tls(session.securityManager().getSSLOptions("rpc")));
    }

    private static Tls tls(SSLOptions options) {
        return new Tls(
                store(options.keyStore(), options.keyStoreType(), options.keyStorePassword())
                        .orElseThrow(() -> new UserException(
                                KEY_STORE + " is not set on this executor: set it, and have the file on every host")),
                OptionConverters.toJava(options.keyPassword()),
                store(options.trustStore(), options.trustStoreType(), options.trustStorePassword()),
                OptionConverters.toJava(options.protocol()).map(List::of).orElse(List.of()),
                List.copyOf(CollectionConverters.asJava(options.enabledAlgorithms())));
    }

    private static Optional<Tls.Store> store(Option<File> file, Option<String> type, Option<String> password) {
        return OptionConverters.toJava(file)
                .map(found ->
                        new Tls.Store(found.toPath(), type.getOrElse(() -> "PKCS12"), password.getOrElse(() -> "")));
    }
}
