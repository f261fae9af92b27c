package dev.sparkswitch.model;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;

/**
 * The expert of a token by its id (Roller et al. 2021, "Hash layers", random hash): a table for each layer that gives every
 * expert the same number of ids, or one more. Nothing of it is learned or stored: the table is the same in every run.
 */
final class HashRouter implements Router {
    private final SwitchConfig config;
    private final Tensor expertOfId;

    HashRouter(Engine engine, T5Config config, Stack stack, int layer) {
        this.config = config.sparseLayer(stack, layer);
        this.expertOfId = Batch.upload(engine, table(config.vocabularySize(), this.config.experts(), stack, layer));
    }

    /** The expert of every id: ids are shuffled (Fisher and Yates), then dealt out to the experts in turn. */
    static int[] table(int vocabularySize, int experts, Stack stack, int layer) {
        Philox random = RandomStream.HASH_ROUTING.at(0, stack.ordinal(), layer);
        int[] ids = new int[vocabularySize];
        for (int i = 0; i < vocabularySize; i++) {
            int other = (int) ((random.bits(i) & 0xFFFFFFFFL) * (i + 1) >>> 32);
            ids[i] = ids[other];
            ids[other] = i;
        }
        int[] table = new int[vocabularySize];
        for (int i = 0; i < vocabularySize; i++) {
            table[ids[i]] = i % experts;
        }
        return table;
    }

    @Override
    public Choice choose(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        RoutingPlan plan = Router.plan(config, pass, Sampling.NONE, RouterPlace.Experts.ATTENTION);
        try (Tensor experts = engine.gatherRows(expertOfId, pass.ids())) {
            return new Choice(null, null, engine.route(plan, experts, pass.routed()));
        }
    }

    @Override
    public Choice again(StackPass pass, Tensor x, Settled left) {
        return new Choice(null, null, left.routing());
    }

    @Override
    public Pull backward(StackPass pass, Choice choice, Tensor dGate) {
        return Pull.NONE;
    }

    @Override
    public void close() {
        expertOfId.close();
    }
}
