package dev.sparkswitch.jobs.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingMemory;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExecutorMemoryTest {
    private static final long MIB = 1 << 20;
    private static final ExecutorMemory MEMORY =
            new ExecutorMemory(new TrainingMemory(400 * MIB, 400 * MIB, 100 * MIB, 1100 * MIB, 500 * MIB, 0));

    @Test
    void theSettingsFollowFromTheNeed() {
        assertThat(MEMORY.overheadMiB()).isEqualTo(2500 + 512);
        assertThat(MEMORY.javaOptions(1024))
                .isEqualTo("-Dorg.bytedeco.javacpp.maxbytes=3000m -Dorg.bytedeco.javacpp.maxphysicalbytes=5542m"
                        + " -XX:MaxDirectMemorySize=1024m");
    }

    @Test
    void aTeacherTakesItsWeightsAndRoomForGradients() {
        T5Config teacher = T5Config.builder()
                .vocabularySize(1000)
                .modelSize(32)
                .keySize(8)
                .heads(4)
                .feedForwardSize(64)
                .encoderLayers(2)
                .decoderLayers(2)
                .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1.25, 2.0, 4)))
                .build();
        T5Config student = teacher.toBuilder().dense().build();
        TrainingConfig training =
                Configs.load(TrainingConfig.class, JsonNodeFactory.instance.objectNode(), List.of("rows=8"));
        long experts = 2 * 4 * (2 * 32 * 64);
        long dense = ParameterSpecs.count(teacher) - experts;

        TrainingMemory alone = need(student, List.of(), training, 2);
        TrainingMemory together = need(student, List.of(teacher), training, 2);

        assertThat(alone.others()).isZero();
        assertThat(together.others()).as("half of the experts each").isEqualTo(2 * 4 * (dense + experts / 2));
        assertThat(together.bytes() - alone.bytes()).isEqualTo(together.others());
        assertThat(need(student, List.of(teacher), training, 8).others())
                .as("four experts are not spread over eight ranks")
                .isEqualTo(2 * 4 * (dense + experts));
    }

    private static TrainingMemory need(T5Config student, List<T5Config> beside, TrainingConfig training, int ranks) {
        return ExecutorMemory.of(
                        student, beside, training, ExpertPlacement.of(student, ranks, ranks), Precision.FLOAT32, 64, 32)
                .need();
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
