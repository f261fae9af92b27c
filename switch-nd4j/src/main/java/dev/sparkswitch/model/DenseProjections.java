package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.List;

/** The projections of T5's self-attention. */
final class DenseProjections implements AttentionProjections {
    private final Weight queryKeyValue;
    private final Weight output;

    /** @param prefix of the parameters' names */
    DenseProjections(Parameters parameters, String prefix) {
        this.queryKeyValue =
                parameters.stacked(List.of(prefix + ".q.weight", prefix + ".k.weight", prefix + ".v.weight"));
        this.output = parameters.single(prefix + ".o.weight");
    }

    @Override
    public Projected begin(StackPass pass, Tensor x) {
        return new Pass(pass.engine(), x);
    }

    @Override
    public Projected again(StackPass pass, Tensor x, Saved left) {
        left.close();
        return begin(pass, x);
    }

    private final class Pass implements Projected {
        private final Engine engine;
        private final Tensor x;

        Pass(Engine engine, Tensor x) {
            this.engine = engine;
            this.x = x;
        }

        @Override
        public Tensor queryKeyValue() {
            return engine.linear(x, queryKeyValue.value());
        }

        @Override
        public Saved forgo() {
            return () -> {};
        }

        @Override
        public Tensor output(Tensor result) {
            return engine.linear(result, output.value());
        }

        @Override
        public Tensor outputBackward(Tensor result, Tensor dDelta) {
            engine.linearWeightGradient(dDelta, result, output.gradient(), output.nextWrite());
            Tensor dResult = engine.allocate(dDelta.type(), result.shape());
            engine.linearInputGradient(dDelta, output.value(), dResult, Write.SET);
            return dResult;
        }

        @Override
        public Tensor queryKeyValueBackward(Tensor dQkv) {
            engine.linearWeightGradient(dQkv, x, queryKeyValue.gradient(), queryKeyValue.nextWrite());
            Tensor dx = engine.allocate(dQkv.type(), x.shape());
            engine.linearInputGradient(dQkv, queryKeyValue.value(), dx, Write.SET);
            return dx;
        }

        @Override
        public void close() {}
    }
}
