package dev.sparkswitch.corpus;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.sparkswitch.base.HadoopFiles;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Documents between two passes, in their order: written and read from front to back by one task, and by nobody else. Each is
 * six fields, texts with their length before them; Zstandard around it.
 */
final class DocumentFile {
    private static final int LEVEL = 1;
    private static final int BUFFER = 1 << 18;
    private static final int END = -1;
    /** Instead of a text: that of the document before. */
    private static final int SAME = -2;

    private DocumentFile() {}

    /** Writes a file. */
    static final class Writer implements AutoCloseable {
        private final DataOutputStream out;
        private String source = "";

        Writer(FileSystem files, Path path) throws IOException {
            out = new DataOutputStream(new BufferedOutputStream(
                    new ZstdOutputStreamNoFinalizer(HadoopFiles.create(files, path), LEVEL), BUFFER));
        }

        /** Adds a document; how many bytes its text has. */
        int add(PlacedDocument document) throws IOException {
            int bytes = text(document.text());
            text(document.url());
            if (document.source().equals(source)) {
                out.writeInt(SAME);
            } else {
                source = document.source();
                text(source);
            }
            out.writeLong(document.position());
            text(document.language());
            text(document.reason());
            return bytes;
        }

        private int text(String text) throws IOException {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            out.writeInt(bytes.length);
            out.write(bytes);
            return bytes.length;
        }

        /** Ends the file. */
        void finish() throws IOException {
            out.writeInt(END);
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }

    /** What becomes of texts as they are read. */
    enum Texts {
        DECODED,
        /** Documents come without their texts, whose bytes can be hashed. */
        BYTES
    }

    /** Reads a file. */
    static final class Reader implements AutoCloseable {
        private final DataInputStream in;
        private String source = "";
        private final Texts texts;
        private byte[] bytes = new byte[1 << 12];
        private byte[] text = new byte[0];
        private int textLength;

        Reader(FileSystem files, Path path) throws IOException {
            this(files, path, Texts.DECODED);
        }

        Reader(FileSystem files, Path path, Texts texts) throws IOException {
            this.texts = texts;
            in = new DataInputStream(
                    new BufferedInputStream(new ZstdInputStreamNoFinalizer(files.open(path, BUFFER)), BUFFER));
        }

        /** The next document; null behind the last. */
        PlacedDocument next() throws IOException {
            int length = in.readInt();
            if (length == END) {
                return null;
            }
            String decoded = "";
            switch (texts) {
                case DECODED -> decoded = text(length);
                case BYTES -> {
                    text = text.length < length ? new byte[length] : text;
                    in.readFully(text, 0, length);
                    textLength = length;
                }
            }
            String url = text(in.readInt());
            int sourceLength = in.readInt();
            if (sourceLength != SAME) {
                source = text(sourceLength);
            }
            long position = in.readLong();
            String language = text(in.readInt());
            return new PlacedDocument(decoded, url, source, position, language, text(in.readInt()));
        }

        /** Gives the bytes of the last document's text, where texts stay {@link Texts#BYTES}. */
        void digestText(MessageDigest digest) {
            digest.update(text, 0, textLength);
        }

        private String text(int length) throws IOException {
            if (length == 0) {
                return "";
            }
            if (bytes.length < length) {
                bytes = new byte[Math.max(length, (int) Math.min(Integer.MAX_VALUE - 8, 2L * bytes.length))];
            }
            in.readFully(bytes, 0, length);
            return new String(bytes, 0, length, StandardCharsets.UTF_8);
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
