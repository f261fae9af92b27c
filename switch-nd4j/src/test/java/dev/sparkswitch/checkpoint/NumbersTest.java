package dev.sparkswitch.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTest {
    @Test
    void everyHalfPrecisionNumberSurvivesTheWayThroughFloat32() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float half = Numbers.fromFloat16((short) bits);
            float brain = Numbers.fromBfloat16((short) bits);
            if (Float.isNaN(half)) {
                assertThat(Numbers.fromFloat16(Numbers.toFloat16(half))).isNaN();
            } else {
                assertThat(Numbers.toFloat16(half)).isEqualTo((short) bits);
            }
            if (Float.isNaN(brain)) {
                assertThat(Numbers.fromBfloat16(Numbers.toBfloat16(brain))).isNaN();
            } else {
                assertThat(Numbers.toBfloat16(brain)).isEqualTo((short) bits);
            }
        }
    }

    /** Values of IEEE 754-2008's binary16. */
    @ParameterizedTest
    @CsvSource({
        "0x3C00, 1.0",
        "0xC000, -2.0",
        "0x7BFF, 65504.0",
        "0x0001, 5.9604645E-8",
        "0x03FF, 6.097555E-5",
        "0x0400, 6.1035156E-5",
        "0x3555, 0.33325195",
        "0x7C00, Infinity",
        "0xFC00, -Infinity"
    })
    void halfPrecision(String bits, float value) {
        assertThat(Numbers.fromFloat16((short) Integer.decode(bits).intValue())).isEqualTo(value);
        assertThat(Numbers.toFloat16(value))
                .isEqualTo((short) Integer.decode(bits).intValue());
    }

    @Test
    void roundingGoesToTheNearestAndTiesToEven() {
        assertThat(Numbers.toFloat16(65519.99f)).isEqualTo((short) 0x7BFF);
        assertThat(Numbers.toFloat16(65520f)).isEqualTo((short) 0x7C00);
        assertThat(Numbers.toFloat16(1 + 0x1p-11f)).as("a tie").isEqualTo((short) 0x3C00);
        assertThat(Numbers.toFloat16(1 + 3 * 0x1p-11f)).as("a tie").isEqualTo((short) 0x3C02);
        assertThat(Numbers.toFloat16(0x1p-25f)).as("a tie").isEqualTo((short) 0);
        assertThat(Numbers.toBfloat16(1 + 0x1p-8f)).as("a tie").isEqualTo((short) 0x3F80);
        assertThat(Numbers.toBfloat16(1 + 3 * 0x1p-8f)).as("a tie").isEqualTo((short) 0x3F82);
        assertThat(Numbers.toBfloat16(Float.MAX_VALUE)).isEqualTo((short) 0x7F80);
    }

    @Property
    void noNeighbourIsNearer(@ForAll float value) {
        short half = Numbers.toFloat16(value);
        if (Math.abs(value) < 65504) {
            double error = Math.abs((double) Numbers.fromFloat16(half) - value);
            assertThat(error).isLessThanOrEqualTo(Math.abs((double) Numbers.fromFloat16((short) (half + 1)) - value));
            if ((half & 0x7FFF) != 0) {
                assertThat(error)
                        .isLessThanOrEqualTo(Math.abs((double) Numbers.fromFloat16((short) (half - 1)) - value));
            }
        }
        short brain = Numbers.toBfloat16(value);
        if (Math.abs(value) < 3e38) {
            double error = Math.abs((double) Numbers.fromBfloat16(brain) - value);
            assertThat(error).isLessThanOrEqualTo(Math.abs((double) Numbers.fromBfloat16((short) (brain + 1)) - value));
        }
    }

    @Test
    void valuesThatAreNotFiniteAreFoundInEveryFloatingType() {
        ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(Numbers.firstNotFinite(data, SafetensorsType.F64)).isEqualTo(-1);
        data.putDouble(8, Double.NaN);
        assertThat(Numbers.firstNotFinite(data, SafetensorsType.F64)).isEqualTo(1);
        data.putFloat(12, Float.NEGATIVE_INFINITY);
        assertThat(Numbers.firstNotFinite(data, SafetensorsType.F32)).isEqualTo(3);
        data.putShort(0, (short) 0x7C01);
        assertThat(Numbers.firstNotFinite(data, SafetensorsType.F16)).isZero();
        data.putShort(0, (short) 0xFF80);
        assertThat(Numbers.firstNotFinite(data, SafetensorsType.BF16)).isZero();
        assertThat(Numbers.firstNotFinite(data, SafetensorsType.I64)).isEqualTo(-1);
    }
}
