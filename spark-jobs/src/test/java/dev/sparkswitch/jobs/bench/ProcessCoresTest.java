package dev.sparkswitch.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessCoresTest {
    @Test
    void aListOfCoresIsNumbersAndRanges() {
        assertThat(ProcessCores.parsed("0")).containsExactly(0);
        assertThat(ProcessCores.parsed("0-3,8,10-11")).containsExactly(0, 1, 2, 3, 8, 10, 11);
    }

    @Test
    void theProcessIsKeptToFewerCoresForAWhile() {
        List<Integer> all = ProcessCores.allowed();
        try (ProcessCores cores = new ProcessCores()) {
            boolean kept = cores.keepTo(1);
            assumeTrue(kept, "this system has no taskset");
            assertThat(ProcessCores.allowed()).containsExactly(all.get(0));
            assertThat(cores.keepTo(all.size() + 1)).isTrue();
            assertThat(ProcessCores.allowed()).isEqualTo(all);
            cores.keepTo(1);
        }
        assertThat(ProcessCores.allowed()).isEqualTo(all);
    }
}
