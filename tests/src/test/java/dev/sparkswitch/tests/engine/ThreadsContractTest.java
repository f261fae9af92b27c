package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Results have the same bits on any number of threads, at sizes at which loops and products are cut. */
class ThreadsContractTest {
    private static final int TOKENS = 777;
    private static final int WIDTH = 129;
    private static final int INNER = 257;
    private static final Dropout DROPOUT = Dropout.ofRows(0.1, RandomStream.DROPOUT.at(1, 2, 3), 99);

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"FLOAT32", "FLOAT64"})
    void oneThreadAndTwoGiveTheSameBits(Precision precision) {
        Map<String, double[]> one = run(EngineCase.nd4j(precision, 1));
        Map<String, double[]> two = run(EngineCase.nd4j(precision, 2));
        assertThat(two.keySet()).isEqualTo(one.keySet());
        List<String> apart = one.keySet().stream()
                .filter(name -> !Arrays.equals(two.get(name), one.get(name)))
                .toList();
        assertThat(apart).isEmpty();
    }

    private static Map<String, double[]> run(EngineCase engineCase) {
        Map<String, double[]> results = new LinkedHashMap<>();
        try (Bench bench = engineCase.open()) {
            products(bench, results);
            stream(bench, results);
            attention(bench, results);
            routing(bench, results);
            training(bench, results);
        }
        return results;
    }

    private static void products(Bench bench, Map<String, double[]> results) {
        Random random = new Random(1);
        Engine engine = bench.engine;
        Tensor x = bench.compute(Grid.random(random, TOKENS, WIDTH));
        Tensor w = bench.parameter(Grid.random(random, INNER, WIDTH));
        Tensor dy = bench.compute(Grid.random(random, TOKENS, INNER));
        results.put("linear", bench.doubles(engine.linear(x, w)));
        for (int tokens : new int[] {1, 2, 5}) {
            results.put("linear of " + tokens, bench.doubles(engine.linear(x.slice(0, tokens), w)));
        }
        Tensor dx = bench.spoiledCompute(TOKENS, WIDTH);
        engine.linearInputGradient(dy, w, dx, Write.SET);
        results.put("linearInputGradient", bench.doubles(dx));
        Tensor dw = bench.spoiledMaster(INNER, WIDTH);
        engine.linearWeightGradient(dy, x, dw, Write.SET);
        engine.linearWeightGradient(dy, x, dw, Write.ADD);
        results.put("linearWeightGradient", bench.doubles(dw));
        Tensor grouped = bench.compute(Grid.random(random, 3, 259, WIDTH));
        Tensor experts = bench.parameter(Grid.random(random, 3, INNER, WIDTH));
        Tensor y = engine.groupedLinear(grouped, experts);
        results.put("groupedLinear", bench.doubles(y));
        results.put("groupedLinearInputGradient", bench.doubles(engine.groupedLinearInputGradient(y, experts)));
        Tensor dExperts = bench.spoiledMaster(experts.shape());
        engine.groupedLinearWeightGradient(y, grouped, dExperts, Write.SET);
        results.put("groupedLinearWeightGradient", bench.doubles(dExperts));
    }

    private static void stream(Bench bench, Map<String, double[]> results) {
        Random random = new Random(2);
        Engine engine = bench.engine;
        Tensor h = bench.compute(Grid.random(random, TOKENS, WIDTH));
        Tensor delta = bench.compute(Grid.random(random, TOKENS, WIDTH));
        Tensor weight = bench.parameter(Grid.random(random, WIDTH));
        Engine.Normalized norm = engine.addNorm(h, delta, DROPOUT, weight, 1e-6);
        results.put("addNorm", bench.doubles(norm.normalized()));
        Tensor dWeight = bench.spoiledMaster(WIDTH);
        engine.addNormBackward(h, delta, norm.sum(), norm.inverseRms(), weight, dWeight, Write.SET, Dropout.NONE);
        results.put("addNormBackward, dSum", bench.doubles(delta));
        results.put("addNormBackward, dWeight", bench.doubles(dWeight));
        results.put("dropout", bench.doubles(engine.dropout(h, DROPOUT)));
        Tensor wide = bench.compute(Grid.random(random, 3, 259, 2 * WIDTH));
        Dropout planes = new Dropout(0.1, RandomStream.DROPOUT.at(1, 2, 3), 5, 1, 4);
        Tensor active = engine.activation(wide, Activation.GATED_GELU, planes);
        results.put("activation", bench.doubles(active));
        results.put(
                "activationBackward",
                bench.doubles(engine.activationBackward(active, wide, Activation.GATED_GELU, planes)));
    }

    private static void attention(Bench bench, Map<String, double[]> results) {
        Random random = new Random(3);
        Engine engine = bench.engine;
        AttentionShape shape = new AttentionShape(3, 3, 17, 65, 65, AttentionShape.Order.CAUSAL);
        Tensor q = bench.compute(Grid.random(random, 195, 51));
        Tensor k = bench.compute(Grid.random(random, 195, 51));
        Tensor v = bench.compute(Grid.random(random, 195, 51));
        Tensor bias = bench.master(Grid.random(random, 3, 129));
        Tensor segments = bench.integers(random.ints(195, 0, 3).toArray(), 3, 65);
        AttentionInputs inputs = new AttentionInputs(q, k, v, bias, segments, segments);
        Engine.Attention forward = engine.attention(shape, inputs, DROPOUT);
        results.put("attention", bench.doubles(forward.result()));
        Tensor dq = bench.spoiledCompute(195, 51);
        Tensor dk = bench.spoiledCompute(195, 51);
        Tensor dv = bench.spoiledCompute(195, 51);
        Tensor dBias = bench.master(Grid.zeros(3, 129));
        engine.attentionBackward(
                shape, inputs, forward, DROPOUT, forward.result(), new AttentionGradients(dq, dk, dv, dBias));
        results.put("attentionBackward, dq", bench.doubles(dq));
        results.put("attentionBackward, dk", bench.doubles(dk));
        results.put("attentionBackward, dv", bench.doubles(dv));
        results.put("attentionBackward, dBias", bench.doubles(dBias));
    }

    private static void routing(Bench bench, Map<String, double[]> results) {
        Random random = new Random(4);
        Engine engine = bench.engine;
        RoutingPlan plan = new RoutingPlan(2, 7, 111, 37, 7);
        Tensor x = bench.compute(Grid.random(random, TOKENS, WIDTH));
        Tensor input = engine.routerInput(x, DROPOUT);
        results.put("routerInput", bench.doubles(input));
        Tensor w = bench.parameter(Grid.random(random, 9, WIDTH));
        Tensor logits = engine.routerLogits(input, w);
        results.put("routerLogits", bench.doubles(logits));
        Tensor routed = bench.integers(random.ints(TOKENS, 0, 5).toArray(), TOKENS);
        Routing routing = engine.route(plan, logits, routed);
        results.put("route, probabilities", bench.doubles(routing.probabilities()));
        results.put("route, tokens", bench.doubles(routing.tokenOfSlot()));
        results.put("route, gates", bench.doubles(routing.gateOfSlot()));
        results.put("route, statistics", bench.doubles(routing.statistics()));
        Tensor slots = engine.dispatch(x, routing);
        results.put("dispatch", bench.doubles(slots));
        results.put("dispatchBackward", bench.doubles(engine.dispatchBackward(slots, routing)));
        results.put("combine", bench.doubles(engine.combine(slots, routing)));
        Engine.CombineGradient combined = engine.combineBackward(x, slots, routing);
        results.put("combineBackward, dSlots", bench.doubles(combined.dSlots()));
        results.put("combineBackward, dGate", bench.doubles(combined.dGate()));
        Tensor dLogits = engine.routeBackward(routing, combined.dGate(), 0.1, 0.01);
        results.put("routeBackward", bench.doubles(dLogits));
        Tensor dw = bench.spoiledMaster(9, WIDTH);
        Tensor dInput = engine.routerLogitsBackward(dLogits, input, w, dw, Write.SET);
        results.put("routerLogitsBackward, dx", bench.doubles(dInput));
        results.put("routerLogitsBackward, dw", bench.doubles(dw));
        engine.routerInputBackward(dInput, DROPOUT, x);
        results.put("routerInputBackward", bench.doubles(x));
    }

    private static void training(Bench bench, Map<String, double[]> results) {
        Random random = new Random(5);
        Engine engine = bench.engine;
        Tensor ids = bench.integers(random.ints(TOKENS, 0, 33).toArray(), TOKENS);
        Tensor table = bench.parameter(Grid.random(random, INNER, WIDTH));
        Tensor hidden = engine.embed(ids, table, DROPOUT);
        results.put("embed", bench.doubles(hidden));
        Tensor dTable = bench.master(Grid.zeros(INNER, WIDTH));
        engine.embedBackward(hidden, ids, dTable, DROPOUT);
        LossSettings settings = new LossSettings(0.1, 0.1, 1e-3);
        results.put("tokenLoss", bench.doubles(engine.tokenLoss(hidden, table, ids, settings)));
        Engine.LossGradient loss = engine.tokenLossGradient(hidden, table, ids, settings, 0.01, dTable);
        results.put("tokenLossGradient, dHidden", bench.doubles(loss.dHidden()));
        results.put("tokenLossGradient, dw", bench.doubles(dTable));
        Engine.LossGradient distilled = engine.distillationGradient(
                hidden,
                table,
                ids,
                new SoftTargets.OfTeacher(hidden, table, 0.2),
                new DistillationSettings(settings, 0.25, 2),
                0.01,
                dTable);
        results.put("distillationGradient, dHidden", bench.doubles(distilled.dHidden()));
        results.put("distillationGradient, dw", bench.doubles(dTable));
        results.put("sumSquares", new double[] {engine.sumSquares(List.of(table, hidden))});
        engine.copy(table, dTable, Write.ADD);
        results.put("copy", bench.doubles(dTable));
        AdafactorStep step = new AdafactorStep(0.01, 0.5, 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER);
        Tensor rows = bench.master(Grid.zeros(INNER));
        Tensor columns = bench.master(Grid.zeros(WIDTH));
        engine.adafactor(step, List.of(new AdafactorSlot(table, dTable, rows, columns)));
        results.put("adafactor, factored", bench.doubles(table));
        Tensor moments = bench.master(Grid.zeros(INNER, WIDTH));
        engine.adafactor(step, List.of(new AdafactorSlot(table, dTable, moments, null)));
        results.put("adafactor", bench.doubles(table));
    }
}
