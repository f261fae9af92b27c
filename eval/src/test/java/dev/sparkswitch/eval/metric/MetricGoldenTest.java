package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.eval.Fixtures;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every metric against the values of the reference scorers. */
class MetricGoldenTest {
    /** Skipped with the reason where the data is missing; factories that cannot start leave no trace in the summary. */
    @Test
    void goldenDataIsAtHand() {
        assertThat(Fixtures.data().resolve("metrics")).isDirectory();
    }

    @TestFactory
    List<DynamicTest> squad() throws IOException {
        return SquadGolden.tests(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> superGlue() throws IOException {
        return SuperGlueGolden.tests(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> winogradVerdicts() throws IOException {
        return SuperGlueGolden.winogradVerdicts(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> recordAnswers() throws IOException {
        return SuperGlueGolden.recordAnswers(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> stems() throws IOException {
        return RougeGolden.stems(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> rougeVectors() throws IOException {
        return RougeGolden.rougeVectors(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> rougeOfXsumSystems() throws IOException {
        return RougeGolden.rougeOfXsumSystems(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> bleu() throws IOException {
        return BleuGolden.tests(Fixtures.data());
    }

    @TestFactory
    List<DynamicTest> referenceVectors() throws IOException {
        return VectorGolden.tests(Fixtures.data());
    }
}
