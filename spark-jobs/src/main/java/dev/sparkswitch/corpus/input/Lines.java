package dev.sparkswitch.corpus.input;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.util.LineReader;

/**
 * The lines of a piece of a file, in memory that a long line does not exceed. A line that begins in the piece belongs to it,
 * wherever it ends; its bytes stay in one buffer that the next line overwrites.
 */
final class Lines implements AutoCloseable {
    /** A call of the reader counts bytes in an int. */
    private static final int MOST_A_CALL = 1 << 30;

    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final Unpacked file;
    private final LineReader reader;
    private final int most;
    private final long end;
    private final Text line = new Text();
    private long next;
    private long position;
    private boolean tooLong;

    /**
     * @param bytes the file, at the piece's start
     * @param most bytes that a line may have
     */
    Lines(Configuration hadoop, FileStream bytes, Piece piece, int most) throws IOException {
        this.most = most;
        Path path = new Path(piece.path());
        boolean packed = Unpacked.isPacked(new CompressionCodecFactory(hadoop), path);
        this.file = Unpacked.of(hadoop, path, bytes);
        this.reader = new LineReader(file.in(), hadoop);
        this.end = packed ? Long.MAX_VALUE : piece.start() + piece.length();
        this.next = piece.start();
        if (piece.start() > 0) {
            // It began in the piece before, which reads one line more than it holds.
            next += skip();
        }
    }

    /** Goes on to the next line; false where there is none. */
    boolean next() throws IOException {
        if (next > end) {
            return false;
        }
        position = next;
        int consumed = reader.readLine(line, most + 1, MOST_A_CALL);
        if (consumed == 0) {
            return false;
        }
        next += consumed;
        tooLong = line.getLength() > most;
        if (consumed >= MOST_A_CALL) {
            next += skip();
        }
        return true;
    }

    private long skip() throws IOException {
        Text nothing = new Text();
        long skipped = 0;
        int consumed;
        do {
            consumed = reader.readLine(nothing, 0, MOST_A_CALL);
            skipped += consumed;
        } while (consumed >= MOST_A_CALL);
        return skipped;
    }

    /** The offset of the line's first byte. */
    long position() {
        return position;
    }

    /** Whether the line is longer than any may be; what is there of it is its beginning. */
    boolean isTooLong() {
        return tooLong;
    }

    /** The buffer with the line in its first {@link #length} bytes. */
    byte[] bytes() {
        return line.getBytes();
    }

    int length() {
        return line.getLength();
    }

    /** Where the line begins in the buffer: behind the byte order mark that some editors put before a file. */
    int offset() {
        if (position > 0 || length() < BYTE_ORDER_MARK.length) {
            return 0;
        }
        for (int i = 0; i < BYTE_ORDER_MARK.length; i++) {
            if (bytes()[i] != BYTE_ORDER_MARK[i]) {
                return 0;
            }
        }
        return BYTE_ORDER_MARK.length;
    }

    boolean isBlank() {
        byte[] bytes = bytes();
        for (int i = offset(); i < length(); i++) {
            if (bytes[i] != ' ' && bytes[i] != '\t') {
                return false;
            }
        }
        return true;
    }

    /** The line; bytes that are no UTF-8 become replacement characters. */
    String text() {
        int offset = offset();
        return new String(bytes(), offset, length() - offset, StandardCharsets.UTF_8);
    }

    /** Whether {@code decoded}, made of the line, lost something: a replacement character may have been there before. */
    boolean isInvalid(String decoded) {
        if (decoded.indexOf('\uFFFD') < 0) {
            return false;
        }
        return !isUtf8(bytes(), length());
    }

    static boolean isUtf8(byte[] bytes, int length) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        try {
            reader.close();
        } finally {
            file.close();
        }
    }
}
