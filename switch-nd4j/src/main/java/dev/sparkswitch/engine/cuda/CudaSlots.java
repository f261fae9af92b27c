package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.Engine.CombineGradient;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.Tensor;

/** The way of tokens to the slots of their experts and back, for routings of any number of slots a token. */
final class CudaSlots {
    private static final int BLOCKS_A_MULTIPROCESSOR = 12;
    /** Threads that share a slot's gradient at most; a wider row is walked along. */
    private static final int MOST_TEAM = 128;

    private final CudaContext context;
    private final Kernels kernels;

    CudaSlots(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("slots");
    }

    Tensor dispatch(Tensor x, Routing routing) {
        require(x.rows() == routing.slotsOfToken().extent(0), "dispatch", x, routing.slotsOfToken());
        CudaTensor tokens = cuda(x);
        tokens.requireContiguous("dispatch");
        int width = x.extent(-1);
        CudaTensor slots = context.compute(
                routing.tokenOfSlot().extent(0), routing.tokenOfSlot().extent(1), width);
        kernels.launch(
                "dispatch",
                RowLaunch.each(slots.rows(), width),
                tokens,
                cuda(routing.tokenOfSlot()),
                slots,
                RowLaunch.items(slots.rows(), width),
                width,
                RowLaunch.itemsARow(width));
        return slots;
    }

    Tensor dispatchBackward(Tensor dSlots, Routing routing) {
        return gather("dispatchBackward", dSlots, routing, null);
    }

    Tensor combine(Tensor slots, Routing routing) {
        return gather("combine", slots, routing, cuda(routing.gateOfSlot()));
    }

    private Tensor gather(String operation, Tensor slots, Routing routing, CudaTensor gates) {
        require(slots.rows() == routing.tokenOfSlot().size(), operation, slots, routing.tokenOfSlot());
        CudaTensor in = cuda(slots);
        in.requireContiguous(operation);
        Tensor slotsOfToken = routing.slotsOfToken();
        int width = slots.extent(-1);
        CudaTensor y = context.compute(slotsOfToken.extent(0), width);
        kernels.launch(
                "gather_slots",
                RowLaunch.each(y.rows(), width),
                in,
                gates,
                cuda(slotsOfToken),
                slotsOfToken.extent(1),
                y,
                RowLaunch.items(y.rows(), width),
                width,
                RowLaunch.itemsARow(width));
        return y;
    }

    CombineGradient combineBackward(Tensor dy, Tensor slots, Routing routing) {
        require(slots.rows() == routing.tokenOfSlot().size(), "combineBackward", slots, routing.tokenOfSlot());
        require(dy.extent(-1) == slots.extent(-1), "combineBackward", dy, slots);
        CudaTensor gradient = cuda(dy);
        CudaTensor in = cuda(slots);
        gradient.requireContiguous("combineBackward");
        in.requireContiguous("combineBackward");
        int width = slots.extent(-1);
        CudaTensor dSlots = context.compute(slots.shape());
        CudaTensor dGate = context.master(slots.extent(0), slots.extent(1));
        int team = Math.min(MOST_TEAM, RowLaunch.team(width));
        kernels.launch(
                "combine_backward",
                RowLaunch.teams(
                        slots.rows(),
                        team,
                        BLOCKS_A_MULTIPROCESSOR * context.device().multiprocessors()),
                gradient,
                in,
                cuda(routing.tokenOfSlot()),
                cuda(routing.gateOfSlot()),
                dSlots,
                dGate,
                slots.rows(),
                width,
                team);
        return new CombineGradient(dSlots, dGate);
    }
}
