package dev.sparkswitch.corpus;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Hashes of text that decide which of several equal things stays: the same everywhere and for ever. */
final class Hashes {
    private static final Hasher128 HASHER = Hashing.murmur3_128();

    private Hashes() {}

    /** 128 bits: among 10^12 lines two different ones collide with a probability of 10^-15. */
    static HashValue128 of128(CharSequence text) {
        return HASHER.hashCharsTo128Bits(text);
    }

    static long of(CharSequence text) {
        return of128(text).getMostSignificantBits();
    }

    /**
     * The MD5 hash as two numbers whose order as signed ones is that of the hash written in hexadecimal digits.
     *
     * @param into gets the two numbers at 0 and 1
     */
    static void md5(MessageDigest digest, String text, long[] into) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        finish(digest, into);
    }

    /** The same of what {@code digest} was given. */
    static void finish(MessageDigest digest, long[] into) {
        ByteBuffer hash = ByteBuffer.wrap(digest.digest());
        into[0] = hash.getLong() ^ Long.MIN_VALUE;
        into[1] = hash.getLong() ^ Long.MIN_VALUE;
    }

    static MessageDigest md5() {
        try {
            return MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has MD5", e);
        }
    }
}
