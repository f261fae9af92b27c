package dev.sparkswitch.tests.speed;

import dev.sparkswitch.arrow.ShardSource;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.corpus.Objective;
import dev.sparkswitch.corpus.SpanCorruption;
import dev.sparkswitch.tests.ProjectFolder;
import dev.sparkswitch.tests.cluster.TinyShards;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What rows go through before they reach an engine: tokens of text, spans left out of them, batches read from shards. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DataBenchmark {
    private static final String VOCABULARY = "spark-jobs/src/test/resources/dev/sparkswitch/tokenizer/unigram.model";
    private static final int VOCABULARY_SIZE = 8000;
    private static final int ROWS = 4096;
    private static final int BATCH = 32;
    /** The raw tokens of a row of 512 inputs. */
    private static final int RAW = 568;

    private final SpanCorruption spans = new SpanCorruption(0.15, 3);
    private final int[] tokens =
            new Random(2).ints(RAW, 2, VOCABULARY_SIZE - 100).toArray();
    private Tokenizer tokenizer;
    private String text;
    private Path folder;
    private ShardSource shards;
    private long row;
    private long example;

    /** Reads a text of this project and its test vocabulary, and writes shards. */
    @Setup
    public void open() throws IOException {
        Path project = ProjectFolder.path();
        tokenizer = new Tokenizer(Files.readAllBytes(project.resolve(VOCABULARY)));
        text = Files.readString(project.resolve("docs/architecture.md"));
        folder = Files.createTempDirectory("sparkswitch-speed");
        TinyShards.write(folder, ROWS, VOCABULARY_SIZE);
        shards = ShardSource.open(
                new Configuration(false),
                new org.apache.hadoop.fs.Path(folder.resolve("train").toUri()));
    }

    /** Leaves nothing behind. */
    @TearDown
    public void close() throws IOException {
        shards.close();
        tokenizer.close();
        List<Path> files;
        try (Stream<Path> all = Files.walk(folder)) {
            files = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }

    /** The tokens of a page of some 9,000 characters. */
    @Benchmark
    public int[] tokenize() {
        return tokenizer.encode(text);
    }

    /** The inputs and targets of one row of 512 + 114. */
    @Benchmark
    public Object spanCorruption() {
        return spans.example(tokens, 7, new Objective.Place(0, example++, 0), VOCABULARY_SIZE, 1);
    }

    /** A batch of 32 rows of 64 + 32, every token looked at. */
    @Benchmark
    public long readBatch() {
        long sum = 0;
        try (TokenBatch batch = shards.read(row, BATCH)) {
            row = (row + BATCH) % ROWS;
            sum += sum(batch);
        }
        return sum;
    }

    private static long sum(TokenBatch batch) {
        long sum = 0;
        for (int i = 0; i < batch.inputs().remaining(); i++) {
            sum += batch.inputs().get(i);
        }
        return sum;
    }
}
