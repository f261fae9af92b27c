package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Choices of algorithms: what is kept of them, and how they are made of given times. */
final class KeptAlgorithmsTest {
    private static final String SHAPE = "Shape[m=16384, n=768, k=3072]";
    private static final long[] WORDS = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 0xabcdefL, 7, 1L << 40};
    private static final long[] OTHERS = {8, 7, 6, 5, 4, 3, 2, 1};

    @TempDir
    Path folder;

    private KeptAlgorithms of(String machine) {
        return new KeptAlgorithms(folder.resolve("kernels"), machine);
    }

    private Path onlyFile() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("kernels"))) {
            List<Path> found = files.toList();
            assertThat(found).hasSize(1);
            return found.get(0);
        }
    }

    @Test
    void aChoiceIsFoundAgainByItsShapeOnItsMachineAlone() {
        KeptAlgorithms kept = of("H100, cuBLASLt 130101");
        assertThat(kept.find(SHAPE)).isEmpty();
        assertThat(kept.keep(SHAPE, WORDS)).hasValue(WORDS);
        assertThat(of("H100, cuBLASLt 130101").find(SHAPE)).hasValue(WORDS);
        assertThat(kept.find("Shape[m=1, n=768, k=3072]")).isEmpty();
        assertThat(of("H200, cuBLASLt 130101").find(SHAPE)).isEmpty();
        assertThat(of("H100, cuBLASLt 130200").find(SHAPE)).isEmpty();
    }

    @Test
    void theFirstChoiceHoldsForAllRanks() {
        of("H100").keep(SHAPE, WORDS);
        assertThat(of("H100").keep(SHAPE, OTHERS)).hasValue(WORDS);
        assertThat(of("H100").find(SHAPE)).hasValue(WORDS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "cut", "digits", "lines", "bytes"})
    void aDamagedChoiceIsMadeAgain(String damage) throws IOException {
        KeptAlgorithms kept = of("H100");
        kept.keep(SHAPE, WORDS);
        Path file = onlyFile();
        String text = Files.readString(file);
        switch (damage) {
            case "cut" -> Files.writeString(file, text.substring(0, text.length() - 3));
            case "digits" -> Files.writeString(file, text.replace("abcdef", "abcdeg"));
            case "lines" -> Files.writeString(file, text.replace("H100", "H1"));
            case "bytes" -> Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
            default -> Files.writeString(file, "", StandardCharsets.UTF_8);
        }
        assertThat(kept.find(SHAPE)).isEmpty();
        assertThat(kept.keep(SHAPE, OTHERS)).hasValue(OTHERS);
        assertThat(kept.find(SHAPE)).hasValue(OTHERS);
    }

    @Test
    void aFolderThatCannotBeWrittenKeepsNothing() throws IOException {
        Path file = Files.writeString(folder.resolve("kernels"), "a file where a folder should be");
        assertThat(of("H100").keep(SHAPE, WORDS)).isEmpty();
        assertThat(of("H100").find(SHAPE)).isEmpty();
        assertThat(file).hasContent("a file where a folder should be");
    }

    @Test
    void anotherThanTheFirstIsTakenWhereItsMedianIsClearlyLess() {
        assertThat(KeptAlgorithms.best(new double[][] {{10, 10, 10}})).isZero();
        assertThat(KeptAlgorithms.best(new double[][] {{10, 10, 10}, {9.8, 9.8, 9.8}}))
                .isZero();
        assertThat(KeptAlgorithms.best(new double[][] {{10, 10, 10}, {9.6, 9.6, 9.6}, {9.5, 9.5, 9.5}}))
                .isEqualTo(2);
        assertThat(KeptAlgorithms.best(new double[][] {{10, 10, 10}, {1, 11, 12}, {9.5, 30, 9.5}}))
                .isEqualTo(2);
    }

    @Test
    void oneThatDoesNotRunIsNotTaken() {
        double never = Double.POSITIVE_INFINITY;
        assertThat(KeptAlgorithms.best(new double[][] {{10, 10, 10}, {1, never, never}}))
                .isZero();
        assertThat(KeptAlgorithms.best(new double[][] {{never, never, never}, {10, 10, 10}}))
                .isEqualTo(1);
    }
}
