package dev.sparkswitch.corpus.input;

import com.github.luben.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CodecPool;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.io.compress.Decompressor;

/** A file's content, unpacked as its name says. */
final class Unpacked implements AutoCloseable {
    /** Hadoop's codec for it needs a native Hadoop, which most hosts lack; Spark brings a library for it. */
    private static final String ZSTANDARD = ".zst";

    private final InputStream in;
    private final Decompressor decompressor;

    private Unpacked(InputStream in, Decompressor decompressor) {
        this.in = in;
        this.decompressor = decompressor;
    }

    static boolean isPacked(CompressionCodecFactory codecs, Path path) {
        return path.getName().endsWith(ZSTANDARD) || codecs.getCodec(path) != null;
    }

    /** The content of {@code file}, which lies at {@code path}. */
    static Unpacked of(Configuration hadoop, Path path, FileStream file) throws IOException {
        if (path.getName().endsWith(ZSTANDARD)) {
            return new Unpacked(new ZstdInputStream(file), null);
        }
        CompressionCodec codec = new CompressionCodecFactory(hadoop).getCodec(path);
        if (codec == null) {
            return new Unpacked(file, null);
        }
        Decompressor decompressor = CodecPool.getDecompressor(codec);
        return new Unpacked(codec.createInputStream(file, decompressor), decompressor);
    }

    InputStream in() {
        return in;
    }

    @Override
    public void close() throws IOException {
        try {
            in.close();
        } finally {
            if (decompressor != null) {
                CodecPool.returnDecompressor(decompressor);
            }
        }
    }
}
