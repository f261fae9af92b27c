package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Adafactor over one list of parameters: large matrices by groups of blocks, all others by items of work. */
final class CudaAdafactor implements RecentPlans.Plan {
    private static final int THREADS = 256;
    /** Blocks that a multiprocessor has room for. */
    private static final int BLOCKS = 2;

    private final CudaContext context;
    private final Kernels kernels;
    /** By the type of their gradients and the size of a group. */
    private final List<AdafactorGroups> groups = new ArrayList<>();

    private final List<AdafactorPlan> plans = new ArrayList<>();

    CudaAdafactor(CudaContext context, List<AdafactorSlot> slots, AdafactorMemory memory) {
        this.context = context;
        this.kernels = context.kernels("adafactor");
        slots.forEach(CudaAdafactor::check);
        for (DType type : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            List<Integer> large = new ArrayList<>();
            List<Integer> others = new ArrayList<>();
            for (int i = 0; i < slots.size(); i++) {
                if (slots.get(i).gradient().type() == type) {
                    boolean grouped = AdafactorGroups.takes(context.device(), memory.groups(), slots.get(i));
                    (grouped ? large : others).add(i);
                }
            }
            for (List<Integer> alike : AdafactorGroups.bySize(memory.groups(), slots, large)) {
                groups.add(new AdafactorGroups(
                        context,
                        context.kernels("adafactor-groups"),
                        memory.groups(),
                        of(slots, alike),
                        places(alike)));
            }
            if (!others.isEmpty()) {
                plans.add(new AdafactorPlan(context, of(slots, others), places(others), memory.ringBytes()));
            }
        }
    }

    private static List<AdafactorSlot> of(List<AdafactorSlot> slots, List<Integer> places) {
        return places.stream().map(slots::get).toList();
    }

    private static int[] places(List<Integer> places) {
        return places.stream().mapToInt(Integer::intValue).toArray();
    }

    private static void check(AdafactorSlot slot) {
        Tensor value = slot.value();
        require(value.size() == slot.gradient().size(), "adafactor", value, slot.gradient());
        cuda(value).requireContiguous("adafactor");
        cuda(slot.gradient()).requireContiguous("adafactor");
        if (slot.factored()) {
            require(slot.rowMoments().size() * value.extent(-1) == value.size(), "adafactor", value, slot.rowMoments());
            require(
                    slot.columnMoments().size() * value.extent(-2) == value.size(),
                    "adafactor",
                    value,
                    slot.columnMoments());
        } else {
            require(slot.rowMoments().size() == value.size(), "adafactor", value, slot.rowMoments());
        }
    }

    /** @param squares becomes the sum of squares of each slot's gradient; null where nobody asks */
    void step(AdafactorStep step, Tensor squares) {
        AdafactorSettings settings = AdafactorSettings.of(step);
        for (AdafactorGroups group : groups) {
            group.step(settings, squares);
        }
        for (AdafactorPlan plan : plans) {
            step(plan, settings, squares);
        }
    }

    private void step(AdafactorPlan plan, AdafactorSettings settings, Tensor squares) {
        CudaTensor counters = plan.counters();
        context.device().zero(counters.address(), counters.size() * Integer.BYTES);
        long writes = context.memory().parameterWrites();
        // Only writes to split parameters can be told from other writes.
        boolean measure = settings.relative()
                && !(context.splitsParameters() && plan.squares().known(writes));
        kernels.launch(
                plan.kernel(),
                Launch.of(Math.min(plan.items(), BLOCKS * context.device().multiprocessors()), THREADS),
                plan.descriptions(),
                plan.order(),
                plan.items(),
                counters,
                counters.address() + Integer.BYTES,
                settings.learningRate(),
                settings.decay(),
                settings.fresh(),
                settings.epsilon1(),
                settings.epsilon2(),
                settings.clip(),
                settings.relative() ? 1 : 0,
                measure ? 1 : 0,
                plan.squares().before(),
                plan.squares().after(),
                plan.gradientSquares().partials(squares));
        plan.squares().stepped(writes);
        plan.gradientSquares().addUp(squares);
    }

    @Override
    public void close() {
        groups.forEach(AdafactorGroups::close);
        plans.forEach(AdafactorPlan::close);
    }
}
