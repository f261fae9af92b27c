package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tests.engine.EngineCase;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where a step's numbers were lost, on every engine. */
class NonFiniteSearchTest {
    private static final int ROWS = 2;
    private static final int INPUTS = 9;
    private static final int TARGETS = 6;
    private static final T5Config MODEL = T5Config.builder()
            .vocabularySize(40)
            .modelSize(16)
            .keySize(4)
            .heads(2)
            .feedForwardSize(24)
            .encoderLayers(2)
            .decoderLayers(2)
            .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(1, 1.25, 2.0, 1)))
            .build();

    /** Does something to what the {@code call}-th call of an operation gives or takes. */
    private static Engine spoiling(Engine engine, String operation, int call, BiConsumer<Object, Object[]> spoil) {
        int[] calls = {0};
        return (Engine) Proxy.newProxyInstance(
                Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, (proxy, method, arguments) -> {
                    try {
                        Object result = method.invoke(engine, arguments);
                        if (method.getName().equals(operation) && ++calls[0] == call) {
                            spoil.accept(result, arguments);
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static String search(Engine engine) {
        return search(engine, model -> {});
    }

    private interface Change {
        void make(SwitchTransformer model);
    }

    private static String search(Engine engine, Change change) {
        Parallelism parallelism = new Parallelism(ExpertPlacement.single(4), new SingleRank());
        TrainingConfig config = Configs.load(
                TrainingConfig.class, JsonNodeFactory.instance.objectNode(), List.of("rows=" + ROWS, "steps=10"));
        try (engine;
                SwitchTransformer model = new SwitchTransformer(engine, MODEL, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, config, model.parameters().all())) {
            new Initializer(3, 1, 1).initialize(model);
            change.make(model);
            NonFiniteSearch search =
                    new TrainingStep(model, parallelism, config, optimizer).search(1, List.of(batch()));
            return NonFiniteSearch.earliest(List.of(search.report()));
        }
    }

    private static HostBatch batch() {
        Random random = new Random(8);
        int[][] inputs = new int[ROWS][];
        int[][] mask = new int[ROWS][INPUTS];
        int[][] labels = new int[ROWS][];
        for (int row = 0; row < ROWS; row++) {
            inputs[row] = random.ints(INPUTS, 2, 40).toArray();
            Arrays.fill(mask[row], 1);
            labels[row] = random.ints(TARGETS, 2, 40).toArray();
        }
        return HostBatch.padded(inputs, mask, labels, MODEL);
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aSoundStepHasNothingToTell(EngineCase engineCase) {
        assertThat(search(engineCase.make()))
                .isEqualTo("run again, every operation gives finite numbers, and only their sums over the step do not");
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aSpoiledParameterIsNamed(EngineCase engineCase) {
        String name = "decoder.block.1.layer.0.SelfAttention.k.weight";
        Engine engine = engineCase.make();
        assertThat(search(
                        engine,
                        model -> engine.fill(
                                model.parameters().named(name).value().slice(2, 3), Double.POSITIVE_INFINITY)))
                .isEqualTo("numbers that are not finite stood in the parameter " + name
                        + " before the step (0 NaN and 16 infinite in "
                        + engineCase.precision().master() + "[8, 16])");
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void theFirstOperationIsNamedAndNotThoseThatItSpoils(EngineCase engineCase) {
        Engine engine = engineCase.make();
        Engine spoiled = spoiling(
                engine,
                "attention",
                2,
                (result, arguments) -> engine.fill(((Engine.Attention) result).result(), Double.NaN));
        assertThat(search(spoiled))
                .isEqualTo("numbers that are not finite first come out of attention, behind"
                        + " encoder.block.1.layer.0.SelfAttention.q.weight and 2 more (144 NaN and 0 infinite in "
                        + engineCase.precision().compute() + "[18, 8])");
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void viewsOfColumnsAreLookedAt(EngineCase engineCase) {
        Engine engine = engineCase.make();
        // Whole rows of queries, keys and values are spoiled; what is seen first is the view of the queries' columns.
        Engine spoiled = spoiling(engine, "attentionBackward", 1, (result, arguments) -> {
            Tensor dq = ((AttentionGradients) arguments[5]).dq();
            try (Tensor x = engine.allocate(dq.type(), dq.rows(), 3);
                    Tensor w = engine.allocateParameter(dq.extent(-1), 3)) {
                engine.fill(x, Double.NaN);
                engine.fill(w, 1);
                engine.linearInputGradient(x, transposed(engine, w), dq, dev.sparkswitch.engine.Write.SET);
            }
        });
        assertThat(search(spoiled))
                .startsWith("numbers that are not finite first come out of attentionBackward, behind"
                        + " decoder.block.1.layer.1.EncDecAttention.o.weight (96 NaN and 0 infinite in ");
    }

    /** A parameter of ones of the turned shape. */
    private static Tensor transposed(Engine engine, Tensor w) {
        Tensor turned = engine.allocateParameter(w.extent(1), w.extent(0));
        engine.fill(turned, 1);
        return turned;
    }

    @Test
    void theEarliestOfAllRanksCounts() {
        assertThat(NonFiniteSearch.earliest(List.of("12|later", NonFiniteSearch.NOTHING, "7|the first")))
                .isEqualTo("the first on rank 2");
    }
}
