package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import org.junit.jupiter.api.Test;

/** What a fault of a card says of the operation. */
class CudaFaultTest {
    @Test
    void argumentsAreToldByTypeAndShape() {
        try (DeviceMemory memory = new DeviceMemory(new PlannedDevice())) {
            CudaTensor x = CudaTensor.plain(memory, DType.BFLOAT16, 3, 64);

            Arguments arguments = Arguments.of(
                    x, x.columns(0, 16), 7, null, Dropout.ofRows(0.25, RandomStream.DROPOUT.at(1, 2, 3), 0));

            assertThat(arguments).hasToString("(BFLOAT16[3, 64], BFLOAT16[3, 16], 7, null, dropout 0.25)");
        }
    }

    @Test
    void aFaultThatShowsLateNamesWhatWasStartedLast() {
        Trail trail = new Trail();
        assertThat(trail.explain(new InternalException("a fault"))).hasMessage("a fault");

        for (int i = 1; i <= 10; i++) {
            trail.add("kernel " + i);
        }

        InternalException fault = new InternalException("a fault");
        assertThat(trail.explain(fault))
                .hasMessage(
                        "a fault; started last, the latest first: kernel 10, kernel 9, kernel 8, kernel 7, kernel 6,"
                                + " kernel 5, kernel 4, kernel 3")
                .hasCause(fault);
    }
}
