package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;
import static dev.sparkswitch.engine.cuda.Product.Turn.NONE;
import static dev.sparkswitch.engine.cuda.Product.Turn.TRANSPOSED;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** The router: everything in float32, whatever the compute type. */
final class CudaRouting {
    /** Tokens of a tile, as in routing.cu. */
    private static final int TILE = 32;

    private static final int THREADS = 256;
    private static final int MEMBER_THREADS = 1024;
    private static final int MOST_EXPERTS = 1024;
    /** Sums that a tile keeps, as in routing.cu. */
    private static final int SUMS = 4;

    private final CudaContext context;
    private final CudaProducts products;
    private final Kernels kernels;
    private final Kernels memoryKernels;

    CudaRouting(CudaContext context, CudaProducts products) {
        this.context = context;
        this.products = products;
        this.kernels = context.kernels("routing");
        this.memoryKernels = context.kernels("memory");
    }

    Tensor routerInput(Tensor x, Dropout noise) {
        CudaTensor in = cuda(x);
        in.requireContiguous("routerInput");
        CudaTensor y = context.master(x.shape());
        jitter("router_input", in, noise, y);
        return y;
    }

    void routerInputBackward(Tensor dy, Dropout noise, Tensor dx) {
        require(dy.size() == dx.size() && dy.extent(-1) == dx.extent(-1), "routerInputBackward", dy, dx);
        cuda(dx).requireContiguous("routerInputBackward");
        jitter("router_input_backward", cuda(dy), noise, cuda(dx));
    }

    private void jitter(String kernel, CudaTensor in, Dropout noise, CudaTensor out) {
        int width = in.extent(-1);
        kernels.launch(
                kernel,
                RowLaunch.each(in.rows(), width),
                in,
                noise,
                (float) (1 - noise.rate()),
                (float) (2 * noise.rate() * 0x1p-32),
                out,
                RowLaunch.items(in.rows(), width),
                width,
                RowLaunch.itemsARow(width));
    }

    /** The router's weights in float32: a small copy where parameters are split. */
    private CudaTensor joined(String operation, Tensor w) {
        CudaTensor weights = context.parameter(operation, w);
        CudaTensor plain = context.master(w.shape());
        if (weights.isSplit()) {
            memoryKernels.launch(
                    "join_float32",
                    Launch.covering(w.size(), THREADS, THREADS),
                    weights,
                    weights.low(),
                    plain,
                    w.size());
        } else {
            context.device().copy(weights.address(), plain.address(), w.size() * Float.BYTES);
        }
        return plain;
    }

    Tensor routerLogits(Tensor x, Tensor w) {
        require(x.extent(-1) == w.extent(1), "routerLogits", x, w);
        CudaTensor logits = context.master(x.rows(), w.extent(0));
        try (CudaTensor weights = joined("routerLogits", w)) {
            products.product(x.rows(), w.extent(0), w.extent(1), 1, cuda(x), NONE, weights, TRANSPOSED, 0, logits);
        }
        return logits;
    }

    Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write) {
        require(dLogits.rows() == x.rows(), "routerLogitsBackward", dLogits, x);
        require(dLogits.extent(-1) == w.extent(0), "routerLogitsBackward", dLogits, w);
        CudaTensor dx = context.master(x.shape());
        try (CudaTensor weights = joined("routerLogitsBackward", w)) {
            products.product(x.rows(), w.extent(1), w.extent(0), 1, cuda(dLogits), NONE, weights, NONE, 0, dx);
        }
        products.linearWeightGradient(dLogits, x, dw, write);
        return dx;
    }

    private static String variant(String kernel, int experts) {
        return kernel + (experts <= 64 ? "_64" : experts <= 256 ? "_256" : "_1024");
    }

    /** How tokens are cut into tiles, each in one routing group and one balance group. */
    private record Tiling(int unitTokens, int tilesAUnit, int tilesAGroup, int tilesABalanceGroup, int tiles) {
        static Tiling of(RoutingPlan plan) {
            int unit = Math.min(plan.groupTokens(), plan.balanceTokens());
            if (unit == 0 || plan.groupTokens() % unit != 0 || plan.balanceTokens() % unit != 0) {
                throw new IllegalArgumentException("route takes balance groups that are made of routing groups, or the"
                        + " other way round, not " + plan);
            }
            int tiles = (unit + TILE - 1) / TILE;
            return new Tiling(
                    unit,
                    tiles,
                    plan.groupTokens() / unit * tiles,
                    plan.balanceTokens() / unit * tiles,
                    plan.tokens() / unit * tiles);
        }
    }

    Routing route(RoutingPlan plan, Tensor logits, Tensor routed) {
        if (!plan.shares().equal()) {
            throw new UserException("This engine routes to experts of one width only: set engine.kind to nd4j, or leave"
                    + " model.sparse.expert-widths out.");
        }
        int experts = logits.extent(1);
        int tokens = plan.tokens();
        require(logits.extent(0) == tokens && routed.size() == tokens, "route", logits, routed);
        if (plan.choices() > experts) {
            throw new IllegalArgumentException(plan.choices() + " choices among " + experts + " experts");
        }
        if (experts > MOST_EXPERTS) {
            throw new IllegalArgumentException(experts + " experts: this engine routes to at most " + MOST_EXPERTS);
        }
        Routing routing = new Routing(
                plan,
                context.master(tokens, experts),
                context.master(tokens),
                context.allocate(DType.INT32, experts, plan.slots()),
                context.master(experts, plan.slots()),
                context.allocate(DType.INT32, tokens, plan.choices()),
                context.allocate(DType.INT32, tokens),
                context.master(plan.balanceGroups(), experts),
                context.master(RoutingStatistics.size(experts)));
        fill(routing, Tiling.of(plan), cuda(logits), cuda(routed));
        return routing;
    }

    private void fill(Routing routing, Tiling tiling, CudaTensor logits, CudaTensor routed) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        int choices = plan.choices();
        long tiles = tiling.tiles();
        long picks = (long) plan.tokens() * choices;
        long balanceGroups = plan.balanceGroups();
        try (Scratch scratch = new Scratch(
                context,
                picks,
                picks,
                plan.tokens(),
                tiles * choices * experts,
                tiles * experts,
                tiles * SUMS,
                tiles,
                balanceGroups * experts,
                balanceGroups,
                balanceGroups * SUMS)) {
            long chosen = scratch.at(0);
            long gates = scratch.at(1);
            long gateSums = scratch.at(2);
            long counts = scratch.at(3);
            long importance = scratch.at(4);
            long sums = scratch.at(5);
            long dropped = scratch.at(6);
            long firsts = scratch.at(7);
            long balances = scratch.at(8);
            long groupSums = scratch.at(9);
            kernels.launch(
                    variant("route_tiles", experts),
                    Launch.of(tiles, THREADS),
                    logits,
                    routed,
                    tiling.unitTokens(),
                    tiling.tilesAUnit(),
                    experts,
                    choices,
                    cuda(routing.probabilities()),
                    cuda(routing.logSumExp()),
                    cuda(routing.firstChoice()),
                    chosen,
                    gates,
                    gateSums,
                    counts,
                    importance,
                    sums,
                    cuda(routing.tokenOfSlot()),
                    cuda(routing.gateOfSlot()),
                    experts * plan.slots());
            kernels.launch(
                    "route_slots",
                    Launch.of(tiles + balanceGroups, THREADS),
                    tiling.tiles(),
                    tiling.unitTokens(),
                    tiling.tilesAUnit(),
                    tiling.tilesAGroup(),
                    tiling.tilesABalanceGroup(),
                    plan.groupTokens(),
                    experts,
                    choices,
                    plan.capacity(),
                    plan.slots(),
                    chosen,
                    gates,
                    gateSums,
                    counts,
                    importance,
                    sums,
                    cuda(routing.tokenOfSlot()),
                    cuda(routing.gateOfSlot()),
                    cuda(routing.slotsOfToken()),
                    dropped,
                    cuda(routing.demand()),
                    firsts,
                    balances,
                    groupSums);
            kernels.launch(
                    "route_statistics",
                    Launch.of(1, THREADS),
                    dropped,
                    tiling.tiles(),
                    firsts,
                    balances,
                    groupSums,
                    plan.balanceGroups(),
                    experts,
                    cuda(routing.statistics()));
        }
    }

    Tensor routeBackward(Routing routing, Tensor dGate, double balanceWeight, double zWeight) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        int tokens = plan.tokens();
        require(dGate.size() == routing.gateOfSlot().size(), "routeBackward", dGate, routing.gateOfSlot());
        CudaTensor dLogits = context.master(tokens, experts);
        try (CudaTensor members = context.master(plan.balanceGroups())) {
            kernels.launch(
                    "route_members",
                    Launch.of(plan.balanceGroups(), MEMBER_THREADS),
                    cuda(routing.firstChoice()),
                    plan.balanceTokens(),
                    members);
            kernels.launch(
                    variant("route_gradients", experts),
                    Launch.covering(tokens, THREADS / Launch.WARP, THREADS),
                    cuda(routing.probabilities()),
                    cuda(routing.logSumExp()),
                    cuda(routing.slotsOfToken()),
                    cuda(routing.firstChoice()),
                    cuda(routing.demand()),
                    members,
                    cuda(routing.gateOfSlot()),
                    cuda(dGate),
                    (float) balanceWeight,
                    (float) zWeight,
                    dLogits,
                    tokens,
                    plan.balanceTokens(),
                    experts,
                    plan.choices());
        }
        return dLogits;
    }
}
