package dev.sparkswitch.jobs;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.bench.Phase;
import dev.sparkswitch.bench.StepPlan;
import dev.sparkswitch.bench.StepReport;
import dev.sparkswitch.bench.Work;
import dev.sparkswitch.model.ParameterSpecs;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;

/** {@code sparkswitch plan}: what a model would take on cards that are not here. */
@Command(
        name = "plan",
        description = {
            "Says what memory, time and exchange a training step takes on a number of cards.",
            "The step runs operation by operation without a card, at the rates that were measured on one."
        },
        footer = {
            "  sparkswitch plan --set model=switch-base-64 cards=2",
            "  sparkswitch plan --set model=switch-c-2048 cards=512",
            "  sparkswitch plan --set model=switch-large-128 cards=8 rows=32 expert-parallel=8",
        })
public final class PlanJob extends Job<PlanConfig> {
    private static final double GIB = 1L << 30;
    private static final double MEGA = 1e6;
    /** The largest number of rows a card that is tried. */
    private static final int MOST_ROWS = 256;

    PlanJob() {
        super(PlanConfig.class);
    }

    @Override
    protected void run(PlanConfig config, JobContext context) {
        List<StepPlan> plans = plans(config);
        List<StepPlan> fitting = plans.stream()
                .filter(plan -> plan.memory().total() <= config.card().memory())
                .sorted(Comparator.comparingDouble(StepPlan::tokensPerSecond).reversed())
                .toList();
        PrintWriter out = context.out();
        out.printf(
                Locale.ROOT,
                "%,d parameters on %d cards, %d a host; rows of %d + %d positions%n%n",
                ParameterSpecs.count(config.model()),
                config.cards(),
                Math.min(config.cards(), config.cardsAHost()),
                config.inputs(),
                config.targets());
        table(out, config, plans);
        if (fitting.isEmpty()) {
            StepPlan least = plans.stream()
                    .min(Comparator.comparingLong(plan -> plan.memory().total()))
                    .orElseThrow();
            throw new UserException(String.format(
                    Locale.ROOT,
                    "Nothing of this fits a card of %.1f GiB; what needs least takes %.1f GiB (%d rows a card, experts over"
                            + " %d). Take more cards, fewer rows a routing group, or a smaller model.",
                    config.card().memory() / GIB,
                    least.memory().total() / GIB,
                    least.rows(),
                    least.expertParallel()));
        }
        details(out, config, fitting.get(0));
    }

    /** Every way to spread the experts, with ever more rows a card until they no longer fit. */
    private static List<StepPlan> plans(PlanConfig config) {
        List<StepPlan> plans = new ArrayList<>();
        int least = 0;
        for (int spread = 1; spread <= config.cards(); spread++) {
            boolean wanted = config.expertParallel().map(given -> given).orElse(spread) == spread;
            if (config.divides(spread) && wanted) {
                least = spread;
                if (config.weightBytes(spread) <= config.card().memory()) {
                    addPlans(config, spread, plans);
                }
            }
        }
        if (least == 0) {
            throw new UserException("Layers of " + config.expertCounts() + " experts cannot be spread so over "
                    + config.cards() + " cards: expert-parallel must divide all of these numbers.");
        }
        if (plans.isEmpty()) {
            throw new UserException(String.format(
                    Locale.ROOT,
                    "The weights alone, experts over %d of %d cards, take %.1f GiB of a card's %.1f: take more cards or a"
                            + " smaller model.",
                    least,
                    config.cards(),
                    config.weightBytes(least) / GIB,
                    config.card().memory() / GIB));
        }
        return plans;
    }

    private static void addPlans(PlanConfig config, int spread, List<StepPlan> plans) {
        StepPlan.Question question = config.question();
        if (config.rows().isPresent()) {
            plans.add(
                    StepPlan.of(question, config.cards(), spread, config.rows().get()));
            return;
        }
        int rows = config.groupRows();
        StepPlan plan = StepPlan.of(question, config.cards(), spread, rows);
        plans.add(plan);
        while (plan.memory().total() <= config.card().memory() && 2 * rows <= MOST_ROWS) {
            rows *= 2;
            plan = StepPlan.of(question, config.cards(), spread, rows);
            plans.add(plan);
        }
    }

    private static void table(PrintWriter out, PlanConfig config, List<StepPlan> plans) {
        out.println("  experts over  copies  rows a card  GiB a card      ms a step      tokens/s   exposed");
        for (StepPlan plan : plans) {
            out.printf(
                    Locale.ROOT,
                    "  %12d  %6d  %11d  %10.1f  %13.1f  %,12.0f  %6.1f %%%s%n",
                    plan.expertParallel(),
                    plan.cards() / plan.expertParallel(),
                    plan.rows(),
                    plan.memory().total() / GIB,
                    1000 * plan.stepSeconds(),
                    plan.tokensPerSecond(),
                    100 * plan.exposedShare(),
                    plan.memory().total() <= config.card().memory() ? "" : "  does not fit");
        }
    }

    private static void details(PrintWriter out, PlanConfig config, StepPlan plan) {
        out.printf(
                Locale.ROOT,
                "%nBest of what fits: experts over %d cards, %d copies, %d rows a card (%d a step)%n",
                plan.expertParallel(),
                plan.cards() / plan.expertParallel(),
                plan.rows(),
                plan.rows() * plan.cards());
        StepReport.Memory memory = plan.memory();
        out.printf(
                Locale.ROOT,
                "  memory    %.1f of %.1f GiB: parameters %.2f, gradients %.2f, optimizer %.2f, activations %.2f%n",
                memory.total() / GIB,
                config.card().memory() / GIB,
                memory.parameters() / GIB,
                memory.gradients() / GIB,
                memory.optimizer() / GIB,
                memory.activations() / GIB);
        out.printf(
                Locale.ROOT,
                "  exchange  %.1f MB leave a card in a step and take %.2f ms, beside other operations as far as they can%n",
                plan.wireBytes() / MEGA,
                1000 * plan.exchangeSeconds());
        for (Map.Entry<Phase, Work> phase : new TreeMap<>(plan.phases()).entrySet()) {
            double seconds = phase.getValue().seconds();
            out.printf(
                    Locale.ROOT,
                    "  %-24s %9.2f ms %5.1f %%%n",
                    phase.getKey().title(),
                    1000 * seconds,
                    100 * seconds / plan.stepSeconds());
        }
    }
}
