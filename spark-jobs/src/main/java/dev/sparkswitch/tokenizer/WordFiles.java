package dev.sparkswitch.tokenizer;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * The words of a text with their counts, a file for each of its partitions, so that a stopped run need not read that part of
 * the text again. A file has its name only once it is whole; a word may stand in it more than once.
 *
 * @param folder the full path of their folder
 */
public record WordFiles(SerializableConfiguration hadoop, String folder) implements Serializable {
    private static final int BUFFER = 1 << 18;
    private static final int LEVEL = 1;
    private static final int END = -1;
    /** Distinct words that are held at once, some 100 bytes each: then they are written, and counting begins anew. */
    private static final int MOST_WORDS = 500_000;

    /** Files in {@code folder}. */
    public static WordFiles in(Configuration hadoop, Path folder) {
        return new WordFiles(new SerializableConfiguration(hadoop), folder.toString());
    }

    /** Counts the words of the partitions that have no file yet; {@code texts} must have the same partitions every time. */
    public void count(JavaRDD<String> texts, TrainerOptions options) {
        TextNormalizer normalizer = TextNormalizer.of(options);
        int parts = texts.getNumPartitions();
        texts.mapPartitionsWithIndex(
                        (part, mine) -> {
                            write(part, parts, mine, normalizer);
                            return Collections.emptyIterator();
                        },
                        false)
                .count();
    }

    /** What was counted of {@code parts} partitions, for {@link VocabularyTrainer#train}. */
    public JavaPairRDD<String, Long> read(JavaSparkContext spark, int parts) {
        return spark.parallelize(IntStream.range(0, parts).boxed().toList(), parts)
                .flatMapToPair(part -> new Reading(part, parts));
    }

    private FileSystem files() throws IOException {
        return HadoopFiles.raw(new Path(folder).getFileSystem(hadoop.value()));
    }

    private Path file(int part, int parts) {
        return new Path(folder, String.format(Locale.ROOT, "%06d-of-%06d.words", part, parts));
    }

    private void write(int part, int parts, Iterator<String> texts, TextNormalizer normalizer) {
        Path named = file(part, parts);
        try {
            FileSystem files = files();
            if (files.exists(named)) {
                return;
            }
            HadoopFiles.replace(files, named.getParent(), whole -> {
                try (DataOutputStream out = new DataOutputStream(
                        new BufferedOutputStream(new ZstdOutputStreamNoFinalizer(whole, LEVEL), BUFFER))) {
                    Map<String, Long> counts = new HashMap<>();
                    while (texts.hasNext()) {
                        for (String word : normalizer.followedWords(texts.next())) {
                            counts.merge(word, 1L, Long::sum);
                        }
                        if (counts.size() >= MOST_WORDS) {
                            write(counts, out);
                            counts.clear();
                        }
                    }
                    write(counts, out);
                    out.writeInt(END);
                }
                return named;
            });
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private static void write(Map<String, Long> counts, DataOutputStream out) throws IOException {
        for (Map.Entry<String, Long> word : counts.entrySet()) {
            byte[] bytes = word.getKey().getBytes(StandardCharsets.UTF_8);
            out.writeInt(bytes.length);
            out.write(bytes);
            out.writeLong(word.getValue());
        }
    }

    private ResourceException unusable(IOException e) {
        return new ResourceException(
                "The counted words cannot be kept in " + folder + " (" + e.getMessage()
                        + "); check the disk's space and your rights.",
                e);
    }

    /** The words of one file; closes itself at the end. */
    private final class Reading implements Iterator<Tuple2<String, Long>> {
        private final DataInputStream in;
        private int length;

        Reading(int part, int parts) {
            try {
                in = new DataInputStream(new BufferedInputStream(
                        new ZstdInputStreamNoFinalizer(files().open(file(part, parts), BUFFER)), BUFFER));
                advance();
            } catch (IOException e) {
                throw unusable(e);
            }
        }

        private void advance() throws IOException {
            length = in.readInt();
            if (length == END) {
                in.close();
            }
        }

        @Override
        public boolean hasNext() {
            return length != END;
        }

        @Override
        public Tuple2<String, Long> next() {
            if (length == END) {
                throw new NoSuchElementException("no word is left");
            }
            try {
                String word = new String(in.readNBytes(length), StandardCharsets.UTF_8);
                Tuple2<String, Long> counted = new Tuple2<>(word, in.readLong());
                advance();
                return counted;
            } catch (IOException e) {
                throw unusable(e);
            }
        }
    }
}
