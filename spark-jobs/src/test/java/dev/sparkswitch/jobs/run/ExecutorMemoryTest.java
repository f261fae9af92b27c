package dev.sparkswitch.jobs.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.train.TrainingMemory;
import org.junit.jupiter.api.Test;

class ExecutorMemoryTest {
    private static final long MIB = 1 << 20;
    private static final ExecutorMemory MEMORY =
            new ExecutorMemory(new TrainingMemory(400 * MIB, 400 * MIB, 100 * MIB, 1100 * MIB, 500 * MIB));

    @Test
    void theSettingsFollowFromTheNeed() {
        assertThat(MEMORY.overheadMiB()).isEqualTo(2500 + 512);
        assertThat(MEMORY.javaOptions(1024))
                .isEqualTo("-Dorg.bytedeco.javacpp.maxbytes=3000m -Dorg.bytedeco.javacpp.maxphysicalbytes=5542m"
                        + " -XX:MaxDirectMemorySize=1024m");
    }

    @Test
    void whatFitsIsLetBegin() {
        assertThatCode(() -> MEMORY.check(0, 1024 * MIB, 3000 * MIB, 8192 * MIB))
                .doesNotThrowAnyException();
        // Activations are an estimate: they do not end a run that might do.
        assertThatCode(() -> MEMORY.check(0, 1024 * MIB, 900 * MIB, 1400 * MIB)).doesNotThrowAnyException();
    }

    @Test
    void whatCannotFitIsRefusedWithTheSettingsThatWould() {
        assertThatThrownBy(() -> MEMORY.check(3, 1024 * MIB, 899 * MIB, 8192 * MIB))
                .isInstanceOf(ResourceException.class)
                .hasMessage("rank 3 needs 2500 MiB outside the heap: weights 400, gradients 400, optimizer 100,"
                        + " activations about 1100, copies for checkpoints 500, but JavaCPP lets its engine have only 899"
                        + " MiB; set spark.executor.memoryOverhead=3012m and"
                        + " spark.executor.extraJavaOptions=\"-Dorg.bytedeco.javacpp.maxbytes=3000m"
                        + " -Dorg.bytedeco.javacpp.maxphysicalbytes=5542m -XX:MaxDirectMemorySize=1024m\", spread the"
                        + " experts over more ranks, or lower training.rows");
        assertThatThrownBy(() -> MEMORY.check(3, 1024 * MIB, Long.MAX_VALUE, 1399 * MIB))
                .hasMessageContaining("but its container has only 1399 MiB");
    }
}
