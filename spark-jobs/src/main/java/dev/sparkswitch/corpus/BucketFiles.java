package dev.sparkswitch.corpus;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The tokens of each bucket in a file of its own, so that a stopped run need not tokenize again. A file has its name, which
 * tells its bucket and its examples, only once it is whole.
 *
 * @param folder the full path of their folder
 */
record BucketFiles(SerializableConfiguration hadoop, String folder) implements Serializable {
    private static final Pattern NAME = Pattern.compile("(\\d+)-(\\d+)\\.tokens");
    private static final String ALL = "complete";
    private static final int BUFFER = 1 << 20;

    private FileSystem files() throws IOException {
        return HadoopFiles.raw(new Path(folder).getFileSystem(hadoop.value()));
    }

    private Path file(int bucket, long examples) {
        return new Path(folder, String.format(Locale.ROOT, "%06d-%d.tokens", bucket, examples));
    }

    /** The buckets whose files are there, and the examples of each. */
    SortedMap<Integer, Long> finished() {
        SortedMap<Integer, Long> finished = new TreeMap<>();
        try {
            for (FileStatus status : files().listStatus(new Path(folder))) {
                Matcher name = NAME.matcher(status.getPath().getName());
                if (name.matches()) {
                    finished.put(Integer.parseInt(name.group(1)), Long.parseLong(name.group(2)));
                }
            }
            return finished;
        } catch (FileNotFoundException e) {
            return finished;
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /** Whether {@link #complete} was said: a bucket without a file has no examples. */
    boolean areComplete() {
        try {
            return files().exists(new Path(folder, ALL));
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /** Says that no more files will come. */
    void complete() {
        try {
            HadoopFiles.create(files(), new Path(folder, ALL)).close();
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /** Writes the examples of a bucket, in their order. */
    void write(int bucket, Iterator<RawExample> examples) {
        try {
            HadoopFiles.replace(files(), new Path(folder), whole -> {
                long count = 0;
                try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(whole, BUFFER))) {
                    while (examples.hasNext()) {
                        byte[] bytes = examples.next().bytes();
                        out.writeInt(bytes.length);
                        out.write(bytes);
                        count++;
                    }
                }
                return file(bucket, count);
            });
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /** The examples of a bucket in the form of {@link RawExample#bytes}, in their order; the reader closes it. */
    Reading read(int bucket, long examples) {
        try {
            return new Reading(
                    new DataInputStream(new BufferedInputStream(files().open(file(bucket, examples)), BUFFER)),
                    examples);
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private ResourceException unusable(IOException e) {
        return new ResourceException(
                "The tokens cannot be kept in " + folder + " (" + e.getMessage()
                        + "); check the disk's space and your rights.",
                e);
    }

    /** Examples one after the other; closes itself at the end. */
    final class Reading implements Iterator<byte[]>, AutoCloseable {
        private final DataInputStream in;
        private long left;

        private Reading(DataInputStream in, long examples) {
            this.in = in;
            this.left = examples;
        }

        @Override
        public boolean hasNext() {
            if (left == 0) {
                close();
            }
            return left > 0;
        }

        @Override
        public byte[] next() {
            if (left == 0) {
                throw new NoSuchElementException("no example is left");
            }
            left--;
            try {
                byte[] bytes = new byte[in.readInt()];
                in.readFully(bytes);
                return bytes;
            } catch (IOException e) {
                throw unusable(e);
            }
        }

        @Override
        public void close() {
            try {
                in.close();
            } catch (IOException e) {
                throw unusable(e);
            }
        }
    }
}
