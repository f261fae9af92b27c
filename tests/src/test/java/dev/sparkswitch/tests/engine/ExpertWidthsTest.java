package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.model.Parameter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Experts of different inner widths within a layer; their gradients are {@link ModelGradientTest}'s. */
class ExpertWidthsTest {
    private static final int WIDE = TinyModel.WIDTH + 5;

    @Test
    void equalWidthsAreTheSameModelBitForBit() {
        try (TinyModel plain = new TinyModel(TinyModel.sparse().build());
                TinyModel listed = new TinyModel(TinyModel.sparse()
                        .expertWidths(List.of(TinyModel.WIDTH, TinyModel.WIDTH, TinyModel.WIDTH, TinyModel.WIDTH))
                        .build())) {
            assertThat(listed.train()).isEqualTo(plain.train());
            Map<String, double[]> gradients = plain.gradients();
            assertThat(listed.gradients()).hasSameSizeAs(gradients).allSatisfy((name, gradient) -> assertThat(gradient)
                    .isEqualTo(gradients.get(name)));
        }
    }

    /** Units whose weights are zero do nothing: an expert that is wider by such units is the same expert. */
    @Test
    void aWiderExpertWithDeadUnitsIsTheSameFunctionWithTheSameGradients() {
        try (TinyModel plain = new TinyModel(TinyModel.sparse().balanceLoss(0).build());
                TinyModel wide = new TinyModel(TinyModel.sparse()
                        .balanceLoss(0)
                        .expertWidths(List.of(TinyModel.WIDTH, WIDE, WIDE, TinyModel.WIDTH))
                        .build())) {
            for (Parameter parameter : plain.model.parameters().all()) {
                String name = parameter.spec().name();
                wide.set(name, widened(name, plain.value(name), wide.value(name).length));
            }
            assertThat(wide.train()).containsExactly(plain.train(), within(1e-12));
            Map<String, double[]> gradients = wide.gradients();
            plain.gradients().forEach((name, gradient) -> {
                double[] found = gradients.get(name);
                if (name.endsWith("wo.weight") && found.length > gradient.length) {
                    found = columns(found, WIDE, TinyModel.WIDTH);
                }
                assertThat(Arrays.copyOf(found, gradient.length)).as(name).containsExactly(gradient, within(1e-12));
            });
        }
    }

    /** Rows of zeros below wi [width, d_model], columns of zeros beside wo [d_model, width]. */
    private static double[] widened(String name, double[] values, int length) {
        return length > values.length && name.endsWith("wo.weight")
                ? columns(values, TinyModel.WIDTH, WIDE)
                : Arrays.copyOf(values, length);
    }

    /** A matrix with more or fewer columns; new ones are zeros. */
    private static double[] columns(double[] values, int before, int after) {
        int rows = values.length / before;
        double[] result = new double[rows * after];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * before, result, row * after, Math.min(before, after));
        }
        return result;
    }
}
