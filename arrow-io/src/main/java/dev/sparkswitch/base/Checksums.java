package dev.sparkswitch.base;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** CRC32C checksums (RFC 3720, appendix B.4) in the text form of manifests: {@code crc32c:} and eight hexadecimal digits. */
public final class Checksums {
    private static final String PREFIX = "crc32c:";
    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{8}");
    private static final int BUFFER = 1 << 17;

    private Checksums() {}

    /** The checksum of the rest of {@code in}, which is read to its end and left open. */
    public static String of(InputStream in) throws IOException {
        CRC32C crc = new CRC32C();
        byte[] buffer = new byte[BUFFER];
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
            crc.update(buffer, 0, count);
        }
        return text(crc);
    }

    /** The checksum of the remaining bytes of {@code bytes}, whose position stays where it is. */
    public static String of(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate());
        return text(crc);
    }

    /** The checksum of a file. */
    public static String of(FileSystem fileSystem, Path file) throws IOException {
        try (InputStream in = HadoopFiles.raw(fileSystem).open(file)) {
            return of(in);
        }
    }

    /** Whether {@code text} has the form of a checksum. */
    static boolean isValid(String text) {
        return FORM.matcher(text).matches();
    }

    /** The text form of a finished computation. */
    public static String text(CRC32C crc) {
        return PREFIX + HexFormat.of().toHexDigits((int) crc.getValue());
    }
}
