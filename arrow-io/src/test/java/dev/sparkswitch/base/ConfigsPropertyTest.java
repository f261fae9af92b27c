package dev.sparkswitch.base;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.IntNode;
import dev.sparkswitch.base.ConfigsTest.Job;
import dev.sparkswitch.base.ConfigsTest.Optimizer;
import dev.sparkswitch.base.ConfigsTest.Schedule;
import dev.sparkswitch.base.ConfigsTest.Task;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class ConfigsPropertyTest {
    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void treeOfARecordBindsToAnEqualRecord(@ForAll("jobs") Job job) {
        assertThat(Configs.load(Job.class, Configs.toTree(job), List.of())).isEqualTo(job);
    }

    @Provide
    Arbitrary<Job> jobs() {
        Arbitrary<Object[]> parts = Combinators.combine(
                        Arbitraries.strings().ascii(),
                        Arbitraries.integers(),
                        Arbitraries.doubles().ofScale(9),
                        Arbitraries.floats().ofScale(6),
                        Arbitraries.longs().between(0, Long.MAX_VALUE),
                        Arbitraries.of(Optimizer.class),
                        Arbitraries.longs().optional(),
                        Arbitraries.integers().list().ofMaxSize(3))
                .as((text, i, d, f, n, optimizer, seed, copies) ->
                        new Object[] {text, i, d, f, n, optimizer, seed, copies});
        return parts.map(p -> new Job(
                (String) p[0],
                (int) p[1],
                (double) p[2],
                (float) p[3],
                (int) p[1] % 2 == 0,
                Duration.ofNanos((long) p[4]),
                new DataSize((long) p[4]),
                (Optimizer) p[5],
                cast(p[6]),
                ConfigsPropertyTest.<List<Integer>>cast(p[7]).stream()
                        .map(n -> new Task("t", n))
                        .toList(),
                Map.of((String) p[0], (double) p[2]),
                IntNode.valueOf((int) p[1]),
                new Schedule((long) p[4], 0)));
    }

    @SuppressWarnings("unchecked")
    private static <T> T cast(Object value) {
        return (T) value;
    }
}
