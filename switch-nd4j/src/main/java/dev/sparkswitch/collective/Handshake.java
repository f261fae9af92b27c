package dev.sparkswitch.collective;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * How the two ends of a connection prove to one another that they hold the run's secret, without sending it. The
 * connecting rank is the caller, the other the answerer:
 *
 * <pre>
 * caller   HELLO      magic, attempt, world size, caller's rank, answerer's rank, caller's nonce
 * answerer CHALLENGE  verdict, answerer's nonce
 * caller   PROOF      HMAC-SHA256(secret, "caller", everything of HELLO, answerer's nonce)
 * answerer ACCEPT     verdict, HMAC-SHA256(secret, "answerer", the same)
 * </pre>
 *
 * Both nonces are fresh for each connection, so that a recorded conversation is worth nothing in another one; the role
 * in front keeps a proof from being reflected. All messages have a fixed length. The answerer proves itself last: who
 * does not know the secret learns nothing from it.
 */
final class Handshake {
    static final int NONCE_BYTES = 32;
    static final int PROOF_BYTES = 32;
    static final int HELLO_BYTES = Long.BYTES + 4 * Integer.BYTES + NONCE_BYTES;
    static final int VERDICT_BYTES = 1;
    /** The shortest secret that is accepted. */
    static final int SECRET_BYTES = 16;

    private static final long MAGIC = 0x5350_4B53_5743_4831L;
    private static final String ALGORITHM = "HmacSHA256";
    private static final byte CALLER = 1;
    private static final byte ANSWERER = 2;
    private static final SecureRandom RANDOM = new SecureRandom();

    /** What the answerer makes of a message; a verdict's ordinal is its code on the wire. */
    enum Verdict {
        ACCEPTED,
        WRONG_PROTOCOL,
        WRONG_PLACE,
        WRONG_PROOF,
        ALREADY_CONNECTED;

        static Verdict of(byte code) {
            return code >= 0 && code < values().length ? values()[code] : WRONG_PROTOCOL;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /**
     * What a caller says of itself.
     *
     * @param attempt the attempt that it belongs to
     * @param worldSize the number of ranks of its world
     * @param caller its rank
     * @param answerer the rank that it wants to reach
     * @param nonce its fresh random bytes
     */
    record Hello(int attempt, int worldSize, int caller, int answerer, byte[] nonce) {
        static Hello of(Place place, int answerer) {
            return new Hello(place.attempt(), place.worldSize(), place.rank(), answerer, freshNonce());
        }

        byte[] toBytes() {
            return ByteBuffer.allocate(HELLO_BYTES)
                    .putLong(MAGIC)
                    .putInt(attempt)
                    .putInt(worldSize)
                    .putInt(caller)
                    .putInt(answerer)
                    .put(nonce)
                    .array();
        }

        /** The hello in {@link #HELLO_BYTES} bytes, or null where they are not one. */
        static Hello parse(byte[] bytes) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            if (buffer.getLong() != MAGIC) {
                return null;
            }
            int attempt = buffer.getInt();
            int worldSize = buffer.getInt();
            int caller = buffer.getInt();
            int answerer = buffer.getInt();
            byte[] nonce = new byte[NONCE_BYTES];
            buffer.get(nonce);
            return new Hello(attempt, worldSize, caller, answerer, nonce);
        }

        /** Whether this caller has business with {@code place}: a rank above it calls the one below. */
        boolean fits(Place place) {
            return attempt == place.attempt()
                    && worldSize == place.worldSize()
                    && answerer == place.rank()
                    && caller > place.rank()
                    && caller < worldSize;
        }
    }

    /**
     * A rank's place in the run.
     *
     * @param attempt the attempt of the run
     * @param worldSize the number of ranks
     * @param rank this rank
     */
    record Place(int attempt, int worldSize, int rank) {}

    private final SecretKeySpec key;

    Handshake(byte[] secret) {
        if (secret.length < SECRET_BYTES) {
            throw new IllegalArgumentException(
                    "the run's secret has " + secret.length + " bytes; at least " + SECRET_BYTES + " are needed");
        }
        key = new SecretKeySpec(secret, ALGORITHM);
    }

    static byte[] freshNonce() {
        byte[] nonce = new byte[NONCE_BYTES];
        RANDOM.nextBytes(nonce);
        return nonce;
    }

    byte[] callerProof(Hello hello, byte[] answererNonce) {
        return proof(CALLER, hello, answererNonce);
    }

    byte[] answererProof(Hello hello, byte[] answererNonce) {
        return proof(ANSWERER, hello, answererNonce);
    }

    /** Compares in a time that does not depend on where they differ. */
    static boolean same(byte[] expected, byte[] met) {
        return MessageDigest.isEqual(expected, met);
    }

    private byte[] proof(byte role, Hello hello, byte[] answererNonce) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(role);
            mac.update(hello.toBytes());
            mac.update(answererNonce);
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java runtime has " + ALGORITHM, e);
        }
    }
}
