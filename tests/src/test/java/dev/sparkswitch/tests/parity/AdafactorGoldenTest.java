package dev.sparkswitch.tests.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.checkpoint.SafetensorsReader;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.tests.engine.EngineCase;
import dev.sparkswitch.train.Adafactor;
import dev.sparkswitch.train.AdafactorConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Adafactor step by step beside Hugging Face's, over every folder under {@code hf/} that holds {@code steps.safetensors}. */
class AdafactorGoldenTest {
    private static final double RATE = 0.01;
    private static final double TOLERANCE = 1e-5;
    private static final AdafactorConfig SETTINGS =
            new AdafactorConfig(0.8, 1.0, 1e-30, 1e-3, AdafactorStep.Scaling.PARAMETER, 0);

    /** Split parameters of the CUDA engine in bf16 are exact, so its optimizer works in float32. */
    static Stream<Arguments> cases() {
        return Fixtures.cases("steps.safetensors").stream().flatMap(folder -> EngineCase.all()
                .filter(engine -> engine.threads() == 1)
                .map(engine -> Arguments.of(folder.getFileName().toString(), engine, folder)));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("cases")
    void everyStepEqualsTheReference(String name, EngineCase engineCase, Path folder) {
        try (SafetensorsReader data = SafetensorsReader.open(folder.resolve("steps.safetensors"));
                Engine engine = engineCase.make()) {
            List<Parameter> parameters = new ArrayList<>();
            while (data.tensors().containsKey("init/" + parameters.size())) {
                parameters.add(parameter(engine, data, "init/" + parameters.size()));
            }
            assertThat(parameters).isNotEmpty();
            try (Adafactor optimizer = new Adafactor(engine, SETTINGS, parameters)) {
                for (int step = 0; data.tensors().containsKey("grad/" + step + "/0"); step++) {
                    for (int i = 0; i < parameters.size(); i++) {
                        Tensor gradient = parameters.get(i).gradient();
                        engine.upload(gradient, data.read("grad/" + step + "/" + i, gradient.type()));
                    }
                    optimizer.step(step + 1, RATE);
                    for (int i = 0; i < parameters.size(); i++) {
                        assertClose(engine, parameters.get(i).value(), data, "param/" + step + "/" + i);
                    }
                }
            }
        }
    }

    private static Parameter parameter(Engine engine, SafetensorsReader data, String name) {
        List<Integer> shape = data.info(name).shape();
        int[] extents = shape.stream().mapToInt(Integer::intValue).toArray();
        Tensor value = engine.allocateParameter(extents);
        engine.upload(value, data.read(name, value.type()));
        ParameterSpec spec =
                new ParameterSpec(name, shape, ParameterSpec.Kind.PROJECTION, Role.DENSE, Optional.empty(), -1, -1);
        return new Parameter(spec, value, engine.allocate(value.type(), extents));
    }

    private static void assertClose(Engine engine, Tensor found, SafetensorsReader data, String name) {
        double[] wanted = data.doubles(name);
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(wanted.length * found.type().bytes()).order(ByteOrder.nativeOrder());
        engine.download(found, bytes);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
            double value =
                    switch (found.type()) {
                        case FLOAT64 -> bytes.getDouble(i * Double.BYTES);
                        case FLOAT32 -> bytes.getFloat(i * Float.BYTES);
                        case BFLOAT16, INT32, INT64 -> throw new AssertionError("no master type: " + found.type());
                    };
            difference += (value - wanted[i]) * (value - wanted[i]);
            norm += wanted[i] * wanted[i];
        }
        assertThat(Math.sqrt(difference / norm)).as(name).isLessThan(TOLERANCE);
    }
}
