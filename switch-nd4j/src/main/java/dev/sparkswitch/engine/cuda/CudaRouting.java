package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;
import static dev.sparkswitch.engine.cuda.Product.Turn.NONE;
import static dev.sparkswitch.engine.cuda.Product.Turn.TRANSPOSED;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.RouterScores;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** The router: everything in float32, whatever the compute type, but for what a plan wants rounded. */
final class CudaRouting {
    /** Tokens of a tile, as in routing.cu. */
    private static final int TILE = 32;

    private static final int THREADS = 256;
    private static final int MEMBER_THREADS = 1024;
    private static final int MOST_EXPERTS = 2048;
    /** Sums that a tile keeps, as in routing.cu. */
    private static final int SUMS = 4;
    /** Numbers by tile and expert, as in routing.cu. */
    private static final int BY_EXPERT = 4;
    /** Experts whose sums a block adds up, as in routing.cu. */
    private static final int STRIP = 32;

    private final CudaContext context;
    private final CudaProducts products;
    private final CudaRouterProducts own;
    private final CudaShares shares;
    private final Kernels kernels;
    private final Kernels policies;
    private final Kernels memoryKernels;

    CudaRouting(CudaContext context, CudaProducts products) {
        this.context = context;
        this.products = products;
        this.own = new CudaRouterProducts(context);
        this.shares = new CudaShares(context);
        this.kernels = context.kernels("routing");
        this.policies = context.kernels("policies");
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

    /** The least factor of a jitter. */
    static float jitterLow(Dropout noise) {
        return (float) (1 - noise.rate());
    }

    /** What a jitter's factor grows by from one random word to the next. */
    static float jitterSpan(Dropout noise) {
        return (float) (2 * noise.rate() * 0x1p-32);
    }

    private void jitter(String kernel, CudaTensor in, Dropout noise, CudaTensor out) {
        int width = in.extent(-1);
        kernels.launch(
                kernel,
                RowLaunch.each(in.rows(), width),
                in,
                noise,
                jitterLow(noise),
                jitterSpan(noise),
                out,
                RowLaunch.items(in.rows(), width),
                width,
                RowLaunch.itemsARow(width));
    }

    /** A copy in float32, of parameters that are split too. */
    private CudaTensor joined(Tensor w) {
        CudaTensor weights = cuda(w);
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

    RouterScores routerScores(Tensor x, Dropout noise, Tensor w) {
        require(x.extent(-1) == w.extent(1), "routerScores", x, w);
        CudaTensor weights = context.parameter("routerScores", w);
        if (!own.takes(cuda(x), weights)) {
            Tensor input = routerInput(x, noise);
            return new RouterScores(routerLogits(input, w), input);
        }
        CudaTensor logits = context.master(x.rows(), w.extent(0));
        own.logits(cuda(x), noise, weights, logits);
        return new RouterScores(logits, null);
    }

    Tensor routerScoresWeightGradient(
            Tensor dLogits, Tensor x, Tensor input, Dropout noise, Tensor w, Tensor dw, Write write) {
        require(dLogits.rows() == x.rows(), "routerScoresWeightGradient", dLogits, x);
        require(dLogits.extent(-1) == w.extent(0), "routerScoresWeightGradient", dLogits, w);
        require(dw.extent(0) == w.extent(0) && dw.extent(1) == w.extent(1), "routerScoresWeightGradient", dw, w);
        if (own.takes(cuda(x), context.parameter("routerScoresWeightGradient", w))) {
            own.weightGradient(cuda(dLogits), cuda(x), noise, cuda(dw), write);
            return null;
        }
        return routerLogitsBackward(dLogits, input, w, dw, write);
    }

    void routerScoresInputGradient(Tensor dLogits, Tensor dInput, Dropout noise, Tensor w, Tensor dx) {
        require(dLogits.rows() == dx.rows(), "routerScoresInputGradient", dLogits, dx);
        require(dx.extent(-1) == w.extent(1), "routerScoresInputGradient", dx, w);
        if (dInput == null) {
            own.addInputGradient(cuda(dLogits), context.parameter("routerScoresInputGradient", w), noise, cuda(dx));
        } else {
            routerInputBackward(dInput, noise, dx);
        }
    }

    Tensor roundedToBf16(Tensor x) {
        cuda(x).requireContiguous("roundedToBf16");
        CudaTensor y = joined(x);
        kernels.launch("round_to_bfloat16", Launch.covering(x.size(), THREADS, THREADS), y, x.size());
        return y;
    }

    Tensor routerLogits(Tensor x, Tensor w) {
        require(x.extent(-1) == w.extent(1), "routerLogits", x, w);
        CudaTensor logits = context.master(x.rows(), w.extent(0));
        try (CudaTensor weights = joined(w)) {
            products.product(x.rows(), w.extent(0), w.extent(1), 1, cuda(x), NONE, weights, TRANSPOSED, 0, logits);
        }
        return logits;
    }

    Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write) {
        require(dLogits.rows() == x.rows(), "routerLogitsBackward", dLogits, x);
        require(dLogits.extent(-1) == w.extent(0), "routerLogitsBackward", dLogits, w);
        CudaTensor dx = context.master(x.shape());
        try (CudaTensor weights = joined(w)) {
            products.product(x.rows(), w.extent(1), w.extent(0), 1, cuda(dLogits), NONE, weights, NONE, 0, dx);
        }
        products.linearWeightGradient(dLogits, x, dw, write);
        return dx;
    }

    private static String variant(String kernel, int experts) {
        return kernel + (experts <= 64 ? "_64" : experts <= 128 ? "_128" : experts <= 256 ? "_256" : "_2048");
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

    /** What the kernels have to know of a policy. */
    private record Rules(boolean given, boolean byExperts, boolean sharedGates, float enough, Dropout sampling) {
        static Rules of(RoutingPlan plan) {
            RoutingPolicy policy = plan.policy();
            Sampling sampling = plan.sampling();
            return new Rules(
                    policy instanceof RoutingPolicy.Hash,
                    policy instanceof RoutingPolicy.ExpertChoice,
                    policy instanceof RoutingPolicy.TopK top && top.k() > 1,
                    policy instanceof RoutingPolicy.TopP top ? (float) top.p() : Float.MAX_VALUE,
                    // The rate only says that there is noise; tokens are the rows that its elements are numbered by.
                    sampling.active() ? Dropout.ofRows(0.5, sampling.source(), sampling.firstToken()) : Dropout.NONE);
        }

        /** Choices of a token that are found before experts have chosen. */
        int choices(RoutingPlan plan) {
            return byExperts ? 1 : plan.choices();
        }
    }

    private static int flag(boolean value) {
        return value ? 1 : 0;
    }

    Routing route(RoutingPlan plan, Tensor scores, Tensor routed) {
        int tokens = plan.tokens();
        boolean fits = Rules.of(plan).given()
                ? scores.type() == DType.INT32 && scores.size() == tokens
                : scores.type() == DType.FLOAT32 && scores.extent(0) == tokens;
        require(fits && routed.size() == tokens, "route", scores, routed);
        int experts = plan.policy() instanceof RoutingPolicy.Hash hash ? hash.experts() : scores.extent(1);
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
        fill(routing, Rules.of(plan), Tiling.of(plan), cuda(scores), cuda(routed));
        return routing;
    }

    private void fill(Routing routing, Rules rules, Tiling tiling, CudaTensor scores, CudaTensor routed) {
        RoutingPlan plan = routing.plan();
        CudaShares.OnCard own = shares.of(plan.shares());
        int experts = routing.experts();
        int choices = rules.choices(plan);
        long tiles = tiling.tiles();
        long picks = (long) plan.tokens() * choices;
        long balanceGroups = plan.balanceGroups();
        int strips = (experts + STRIP - 1) / STRIP;
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
                balanceGroups * strips,
                balanceGroups * SUMS,
                tiles * experts * BY_EXPERT)) {
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
            long byExpert = scratch.at(10);
            kernels.launch(
                    variant("route_tiles", experts),
                    Launch.of(tiles, THREADS),
                    rules.given() ? null : scores,
                    rules.given() ? scores : null,
                    routed,
                    tiling.unitTokens(),
                    tiling.tilesAUnit(),
                    experts,
                    choices,
                    rules.enough(),
                    flag(rules.sharedGates()),
                    rules.sampling(),
                    flag(plan.precision() == RouterPrecision.BF16),
                    cuda(routing.probabilities()),
                    cuda(routing.logSumExp()),
                    cuda(routing.firstChoice()),
                    chosen,
                    gates,
                    gateSums,
                    counts,
                    importance,
                    sums,
                    byExpert,
                    tiling.tiles(),
                    cuda(routing.tokenOfSlot()),
                    cuda(routing.gateOfSlot()),
                    experts * plan.slots());
            int seats = rules.byExperts() ? 0 : tiling.tiles();
            kernels.launch(
                    "route_slots",
                    Launch.of(seats + balanceGroups * strips, THREADS),
                    seats,
                    tiling.tiles(),
                    tiling.unitTokens(),
                    tiling.tilesAUnit(),
                    tiling.tilesAGroup(),
                    tiling.tilesABalanceGroup(),
                    plan.groupTokens(),
                    experts,
                    choices,
                    plan.capacity(),
                    own.capacities(),
                    plan.slots(),
                    flag(plan.policy().balanced()),
                    own.weights(),
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
                    byExpert,
                    cuda(routing.demand()),
                    firsts,
                    balances,
                    groupSums);
            if (plan.policy() instanceof RoutingPolicy.ExpertChoice policy) {
                chooseTokens(routing, policy, tiling, dropped, byExpert);
            } else if (plan.overflow() == Overflow.REROUTE) {
                reroute(routing, rules, tiling, chosen, dropped, byExpert);
            }
            kernels.launch(
                    "route_statistics",
                    Launch.of(1 + (long) BY_EXPERT * strips, THREADS),
                    dropped,
                    tiling.tiles(),
                    byExpert,
                    firsts,
                    balances,
                    groupSums,
                    plan.balanceGroups(),
                    experts,
                    cuda(routing.statistics()));
        }
    }

    private void reroute(Routing routing, Rules rules, Tiling tiling, long chosen, long dropped, long byExpert) {
        RoutingPlan plan = routing.plan();
        try (Scratch scratch = new Scratch(context, plan.tokens(), plan.tokens())) {
            policies.launch(
                    "reroute",
                    Launch.of(plan.groups(), THREADS),
                    cuda(routing.probabilities()),
                    chosen,
                    rules.sampling(),
                    plan.groupTokens(),
                    tiling.tilesAGroup(),
                    tiling.tiles(),
                    routing.experts(),
                    plan.choices(),
                    flag(rules.sharedGates()),
                    plan.capacity(),
                    shares.of(plan.shares()).capacities(),
                    plan.slots(),
                    scratch.at(0),
                    scratch.at(1),
                    cuda(routing.tokenOfSlot()),
                    cuda(routing.gateOfSlot()),
                    cuda(routing.slotsOfToken()),
                    dropped,
                    byExpert);
        }
    }

    private void chooseTokens(
            Routing routing, RoutingPolicy.ExpertChoice policy, Tiling tiling, long dropped, long byExpert) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        policies.launch(
                "expert_choice",
                Launch.covering((long) plan.groups() * experts, THREADS / Launch.WARP, THREADS),
                cuda(routing.probabilities()),
                cuda(routing.firstChoice()),
                plan.groups(),
                plan.groupTokens(),
                tiling.tilesAGroup(),
                experts,
                plan.capacity(),
                plan.slots(),
                policy.factor(),
                policy.least(),
                cuda(routing.tokenOfSlot()),
                cuda(routing.gateOfSlot()),
                cuda(routing.slotsOfToken()),
                byExpert);
        policies.launch(
                "idle_tokens",
                Launch.of(tiling.tiles(), TILE),
                cuda(routing.firstChoice()),
                cuda(routing.slotsOfToken()),
                tiling.unitTokens(),
                tiling.tilesAUnit(),
                experts,
                dropped);
    }

    Tensor routeBackward(Routing routing, Tensor dGate, double balanceWeight, double zWeight) {
        RoutingPlan plan = routing.plan();
        Rules rules = Rules.of(plan);
        if (rules.given()) {
            throw new IllegalArgumentException("a routing by hash has no logits to differentiate by");
        }
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
                    (float) (plan.policy().balanced() ? balanceWeight : 0),
                    shares.of(plan.shares()).weights(),
                    (float) zWeight,
                    dLogits,
                    tokens,
                    plan.balanceTokens(),
                    experts,
                    plan.choices(),
                    plan.slots(),
                    flag(rules.sharedGates()),
                    flag(rules.byExperts()),
                    rules.sampling());
        }
        return dLogits;
    }
}
