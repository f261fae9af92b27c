package dev.sparkswitch.collective;

import dev.sparkswitch.base.UserException;
import io.netty.channel.Channel;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * Encryption of the connections between ranks, by the TLS of the Java runtime. Both ends show a certificate that the other's
 * trust store vouches for; host names are not compared, for executors are known by addresses that no certificate foresees. The
 * run's secret is proved inside as ever.
 *
 * @param keys this rank's certificate and its key
 * @param keyPassword of the key; the store's where it has none of its own
 * @param trusted the certificates that are trusted; those of {@code keys} where there is no such store
 * @param protocols such as {@code TLSv1.3}; empty: what the runtime offers
 * @param ciphers their names; empty: what the runtime offers
 */
public record Tls(
        Store keys,
        Optional<String> keyPassword,
        Optional<Store> trusted,
        List<String> protocols,
        List<String> ciphers) {
    private static final long FAREWELL_MILLIS = 200;

    /**
     * A key store.
     *
     * @param file where it lies on every host
     * @param type {@code PKCS12} or {@code JKS}
     * @param password of the store; never logged
     */
    public record Store(Path file, String type, String password) {
        private KeyStore load() throws GeneralSecurityException, IOException {
            KeyStore store = KeyStore.getInstance(type);
            try (InputStream in = Files.newInputStream(file)) {
                store.load(in, password.toCharArray());
            }
            return store;
        }

        @Override
        public String toString() {
            return type + " " + file;
        }
    }

    @Override
    public String toString() {
        return "TLS with " + keys;
    }

    /** The contexts of both roles, made once a mesh. */
    record Contexts(SslContext caller, SslContext answerer) {
        /** The first handler of a connection that this rank opened. */
        SslHandler forCaller(Channel channel) {
            return handler(caller, channel);
        }

        /** The first handler of a connection that another rank opened. */
        SslHandler forAnswerer(Channel channel) {
            return handler(answerer, channel);
        }

        private static SslHandler handler(SslContext context, Channel channel) {
            SslHandler handler = context.newHandler(channel.alloc());
            // The mesh has said goodbye by then; a peer that is gone must not hold up the end.
            handler.setCloseNotifyFlushTimeoutMillis(FAREWELL_MILLIS);
            return handler;
        }
    }

    /** @throws UserException where a store cannot be used */
    Contexts open() {
        try {
            KeyStore own = keys.load();
            KeyManagerFactory keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keyManagers.init(own, keyPassword.orElse(keys.password()).toCharArray());
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted.isPresent() ? trusted.get().load() : own);
            return new Contexts(
                    configure(SslContextBuilder.forClient().keyManager(keyManagers), trust),
                    configure(SslContextBuilder.forServer(keyManagers).clientAuth(ClientAuth.REQUIRE), trust));
        } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
            throw new UserException(
                    "the ranks' connections cannot be encrypted with the key store " + keys
                            + trusted.map(store -> " and the trust store " + store)
                                    .orElse("") + " (" + e.getMessage()
                            + "): correct spark.ssl.rpc.keyStore, its password and spark.ssl.rpc.trustStore on every"
                            + " host",
                    e);
        }
    }

    private SslContext configure(SslContextBuilder builder, TrustManagerFactory trust) throws IOException {
        builder.sslProvider(SslProvider.JDK).trustManager(trust).endpointIdentificationAlgorithm(null);
        if (!protocols.isEmpty()) {
            builder.protocols(protocols);
        }
        if (!ciphers.isEmpty()) {
            builder.ciphers(ciphers);
        }
        return builder.build();
    }
}
