package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What holds for every policy with logits, whatever these are. */
class RoutingPolicyPropertiesTest {
    private record Task(RoutingPlan plan, int experts, double[] logits, int[] routed) {
        static Task of(long seed) {
            Random random = new Random(seed);
            int experts = 1 + random.nextInt(7);
            int some = 1 + random.nextInt(Math.min(experts, 3));
            RoutingPolicy policy =
                    switch (random.nextInt(3)) {
                        case 0 -> new RoutingPolicy.TopK(some);
                        case 1 -> new RoutingPolicy.TopP(0.05 + 0.95 * random.nextDouble(), some);
                        default -> new RoutingPolicy.ExpertChoice(experts, 3 * random.nextDouble(), random.nextInt(3));
                    };
            boolean byTokens = !(policy instanceof RoutingPolicy.ExpertChoice);
            RoutingPlan plan = new RoutingPlan(
                    policy,
                    byTokens && random.nextBoolean() ? Overflow.REROUTE : Overflow.DROP,
                    byTokens && random.nextBoolean()
                            ? new Sampling(RandomStream.ROUTER_SAMPLING.at(seed, 1, 1), 0)
                            : Sampling.NONE,
                    1 + random.nextInt(3),
                    1 + random.nextInt(17),
                    1 + random.nextInt(6),
                    1);
            // Few different values, so that there are ties.
            int levels = 1 + random.nextInt(40);
            double[] logits = random.ints((long) plan.tokens() * experts, 0, levels)
                    .asDoubleStream()
                    .map(level -> level / 8.0)
                    .toArray();
            int padding = random.nextInt(4);
            int[] routed = random.ints(plan.tokens(), 0, 4)
                    .map(value -> value < padding ? 0 : 1)
                    .toArray();
            return new Task(plan, experts, logits, routed);
        }
    }

    @Provide
    Arbitrary<Task> tasks() {
        return Arbitraries.longs().map(Task::of);
    }

    private record Found(int[] tokenOfSlot, int[] slotsOfToken, double[] sums) {
        static Found of(Task task) {
            try (Bench bench = EngineCase.nd4j(Precision.FLOAT32, 1).open();
                    Tensor logits =
                            bench.master(Grid.of(task.logits(), task.plan().tokens(), task.experts()));
                    Tensor routed = bench.integers(task.routed(), task.routed().length);
                    Routing routing = bench.engine.route(task.plan(), logits, routed)) {
                return new Found(
                        bench.ints(routing.tokenOfSlot()),
                        bench.ints(routing.slotsOfToken()),
                        bench.doubles(routing.statistics()));
            }
        }

        /** The slots of a token, without -1. */
        int[] slots(int token, int choices) {
            return Arrays.stream(slotsOfToken, token * choices, (token + 1) * choices)
                    .filter(slot -> slot >= 0)
                    .toArray();
        }
    }

    @Property(tries = 500)
    void bothTablesTellTheSameAndNoTokenHasAnExpertTwice(@ForAll("tasks") Task task) {
        RoutingPlan plan = task.plan();
        Found found = Found.of(task);
        int seats = 0;
        for (int t = 0; t < plan.tokens(); t++) {
            int[] slots = found.slots(t, plan.choices());
            assertThat(Arrays.stream(slots).map(slot -> slot / plan.slots())).doesNotHaveDuplicates();
            for (int slot : slots) {
                assertThat(task.routed()[t]).isEqualTo(1);
                assertThat(found.tokenOfSlot()[slot]).isEqualTo(t);
                assertThat(slot % plan.slots() / plan.capacity()).isEqualTo(t / plan.groupTokens());
            }
            seats += slots.length;
        }
        assertThat(Arrays.stream(found.tokenOfSlot()).filter(token -> token >= 0))
                .hasSize(seats);
    }

    @Property(tries = 500)
    void statisticsCountEverySlotAndEveryDrop(@ForAll("tasks") Task task) {
        RoutingPlan plan = task.plan();
        Found found = Found.of(task);
        double[] kept = new double[task.experts()];
        int idle = 0;
        for (int t = 0; t < plan.tokens(); t++) {
            int[] slots = found.slots(t, plan.choices());
            Arrays.stream(slots).forEach(slot -> kept[slot / plan.slots()]++);
            idle += slots.length == 0 ? task.routed()[t] : 0;
        }
        int experts = task.experts();
        double[] sums = found.sums();
        double dropped = sums[RoutingStatistics.DROPPED];
        assertThat(Arrays.copyOfRange(sums, RoutingStatistics.kept(experts), RoutingStatistics.dropped(experts)))
                .isEqualTo(kept);
        if (plan.policy() instanceof RoutingPolicy.ExpertChoice) {
            assertThat(dropped).isEqualTo(idle);
        } else {
            assertThat(dropped).isGreaterThanOrEqualTo(idle);
            assertThat(Arrays.stream(sums, RoutingStatistics.dropped(experts), RoutingStatistics.entropy(experts))
                            .sum())
                    .isEqualTo(dropped);
        }
        if (plan.policy() instanceof RoutingPolicy.TopK top) {
            assertThat(Arrays.stream(kept).sum() + dropped).isEqualTo(top.k() * sums[RoutingStatistics.ROUTED]);
        }
    }

    @Property(tries = 500)
    void aReroutedChoiceIsOnlyDroppedWhereNoOtherExpertHasRoom(@ForAll("tasks") Task task) {
        RoutingPlan plan = task.plan();
        if (plan.overflow() != Overflow.REROUTE || !(plan.policy() instanceof RoutingPolicy.TopK top)) {
            return;
        }
        Found found = Found.of(task);
        for (int t = 0; t < plan.tokens(); t++) {
            int[] slots = found.slots(t, plan.choices());
            if (task.routed()[t] == 0 || slots.length == top.k()) {
                continue;
            }
            for (int expert = 0; expert < task.experts(); expert++) {
                int own = expert;
                boolean has = Arrays.stream(slots).anyMatch(slot -> slot / plan.slots() == own);
                int last = expert * plan.slots() + (t / plan.groupTokens() + 1) * plan.capacity() - 1;
                assertThat(has || found.tokenOfSlot()[last] >= 0)
                        .as("token %s has expert %s, or it is full", t, expert)
                        .isTrue();
            }
        }
    }

    @Property(tries = 500)
    void noExpertTakesMoreThanItsShareWhereExpertsChoose(@ForAll("tasks") Task task) {
        RoutingPlan plan = task.plan();
        if (!(plan.policy() instanceof RoutingPolicy.ExpertChoice policy)) {
            return;
        }
        Found found = Found.of(task);
        for (int group = 0; group < plan.groups(); group++) {
            int routed = Arrays.stream(task.routed(), group * plan.groupTokens(), (group + 1) * plan.groupTokens())
                    .sum();
            int share = (int) Math.max(policy.least(), Math.floor(policy.factor() * routed / task.experts()));
            for (int expert = 0; expert < task.experts(); expert++) {
                int first = expert * plan.slots() + group * plan.capacity();
                assertThat(Arrays.stream(found.tokenOfSlot(), first, first + plan.capacity())
                                .filter(token -> token >= 0))
                        .hasSize(Math.min(Math.min(share, routed), plan.capacity()));
            }
        }
    }
}
