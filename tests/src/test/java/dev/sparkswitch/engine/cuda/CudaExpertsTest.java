package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** The rows of experts that take the slots that are taken alone. */
class CudaExpertsTest {
    @Test
    void sizesAreFewAndNear() {
        assertThat(IntStream.of(0, 1, 64, 65, 128, 129, 256, 257, 512, 513, 641, 16_383)
                        .map(CudaExperts::rows))
                .containsExactly(0, 64, 64, 128, 128, 192, 256, 320, 512, 640, 768, 16_384);
        assertThat(IntStream.rangeClosed(1, 1 << 16).map(CudaExperts::rows).distinct())
                .hasSize(4 + 8 * 4);
    }

    @Property
    void rowsSufficeHoweverTokensAreSpread(
            @ForAll @Size(min = 1, max = 64) List<@IntRange(min = 0, max = 5000) Integer> counts) {
        int used = 0;
        int slots = 0;
        long choices = 0;
        for (int count : counts) {
            used += CudaExperts.rows(count);
            slots = Math.max(slots, count);
            choices += count;
        }
        assertThat(used).isLessThanOrEqualTo(CudaExperts.mostRows(choices, counts.size(), slots));
    }

    @Test
    void memoryIsThatOfTakenSlots() {
        assumeTrue(EmulatedEngine.missing().isEmpty(), "skipped: there is no compiler for the emulated card");
        int tokens = 256;
        int experts = 16;
        int width = 8;
        int inner = 64;
        try (Engine engine = EmulatedEngine.open(Precision.BF16);
                Tensor logits = filled(engine, engine.allocate(DType.FLOAT32, tokens, experts));
                Tensor routed = filled(engine, engine.allocate(DType.INT32, tokens));
                Routing routing = engine.route(new RoutingPlan(1, 1, tokens, tokens, 1), logits, routed);
                Tensor x = filled(engine, engine.allocate(DType.BFLOAT16, tokens, width));
                Tensor in = filled(engine, engine.allocateParameter(experts, inner, width));
                Tensor out = filled(engine, engine.allocateParameter(experts, width, inner))) {
            long before = engine.memoryBytes();
            engine.experts(x, routing, in, Activation.RELU, out).close();
            // Over all slots it would take the inner columns twice: before the activation and behind it.
            long allSlots = (long) experts * tokens * inner * DType.BFLOAT16.bytes();
            assertThat(engine.memoryBytes() - before).isLessThan(allSlots);
        }
    }

    private static Tensor filled(Engine engine, Tensor tensor) {
        engine.fill(tensor, 1);
        return tensor;
    }
}
