package dev.sparkswitch.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.train.Initializer;
import java.nio.file.Path;
import java.util.Map;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenseStudentTest {
    private static final Initializer INITIALIZER = new Initializer(5, 0.1, 1);

    @TempDir
    Path folder;

    @Test
    void theStudentHasTheTeachersWeightsWhereTheTeacherHasNoExperts() {
        ModelTensors teacher = Converted.random(Converted.sparse(4));
        try (ModelSource large = Converted.checkpoint(teacher, folder.resolve("teacher"), Converted.UNLIMITED);
                ModelSource small = Converted.huggingFace(
                        DenseStudent.of(teacher, INITIALIZER), folder.resolve("student"), Converted.UNLIMITED)) {
            assertThat(small.config()).isEqualTo(Converted.dense());
            Map<String, double[]> weights = Converted.values(large);
            int fresh = 0;
            for (Map.Entry<String, double[]> student : Converted.values(small).entrySet()) {
                double[] same = weights.get(student.getKey().replace(".DenseReluDense.", ".mlp."));
                if (same == null) {
                    fresh++;
                    double sigma = Math.sqrt(0.1 / (student.getKey().contains(".wi.") ? 16 : 24));
                    assertThat(student.getKey()).containsPattern("block\\.[13]\\..*DenseReluDense");
                    assertThat(Math.sqrt(StatUtils.variance(student.getValue())))
                            .isCloseTo(0.8796 * sigma, within(0.1 * sigma));
                } else {
                    assertThat(student.getValue()).isEqualTo(same);
                }
            }
            assertThat(fresh).as("matrices of sparse layers").isEqualTo(3 * 2);
        }
    }

    @Test
    void whatIsUpcycledAndMadeDenseAgainIsTheSameButForTheFreshLayers() {
        ModelTensors dense = Converted.random(Converted.dense());
        ModelTensors back =
                DenseStudent.of(Upcycling.upcycle(dense, Converted.upcycle(4, 1, 0), INITIALIZER, 0), INITIALIZER);
        try (ModelSource before = Converted.checkpoint(dense, folder.resolve("dense"), Converted.UNLIMITED);
                ModelSource after = Converted.checkpoint(back, folder.resolve("back"), Converted.UNLIMITED)) {
            assertThat(after.config()).isEqualTo(before.config());
            Map<String, double[]> weights = Converted.values(before);
            assertThat(Converted.values(after)).allSatisfy((name, values) -> {
                if (!name.matches(".*block\\.[13]\\..*DenseReluDense.*")) {
                    assertThat(values).isEqualTo(weights.get(name));
                }
            });
        }
    }

    @Test
    void aTeacherWithoutExpertsIsRefused() {
        assertThatThrownBy(() -> DenseStudent.of(Converted.random(Converted.dense()), INITIALIZER))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("The teacher has no experts");
    }
}
