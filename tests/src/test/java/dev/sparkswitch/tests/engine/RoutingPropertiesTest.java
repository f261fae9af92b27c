package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What holds for every routing, whatever the logits. */
class RoutingPropertiesTest {
    /**
     * A routing to be done.
     *
     * @param logits few different values, so that there are ties
     */
    record Task(RoutingPlan plan, int experts, double[] logits, int[] routed) {
        static Task of(int experts, int choices, int groups, int groupTokens, int capacity, long seed) {
            Random random = new Random(seed);
            RoutingPlan plan = new RoutingPlan(Math.min(choices, experts), groups, groupTokens, capacity, groups);
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

        Grid grid() {
            return Grid.of(logits, plan.tokens(), experts);
        }
    }

    @Provide
    Arbitrary<Task> tasks() {
        return Combinators.combine(
                        Arbitraries.integers().between(1, 9),
                        Arbitraries.integers().between(1, 4),
                        Arbitraries.integers().between(1, 4),
                        Arbitraries.integers().between(1, 17),
                        Arbitraries.integers().between(1, 6),
                        Arbitraries.longs())
                .as(Task::of);
    }

    /** The integers of a routing on the host. */
    private record Found(int[] tokenOfSlot, int[] slotsOfToken, int[] firstChoice, double[] gates, double[] sums) {
        static Found of(Bench bench, Task task) {
            try (Tensor logits = bench.master(task.grid());
                    Tensor routed = bench.integers(task.routed(), task.routed().length);
                    Routing routing = bench.engine.route(task.plan(), logits, routed)) {
                return new Found(
                        bench.ints(routing.tokenOfSlot()),
                        bench.ints(routing.slotsOfToken()),
                        bench.ints(routing.firstChoice()),
                        bench.doubles(routing.gateOfSlot()),
                        bench.doubles(routing.statistics()));
            }
        }
    }

    private static Bench open() {
        return EngineCase.nd4j(Precision.FLOAT32, 1).open();
    }

    @Property(tries = 300)
    void everyKeptChoiceSitsInExactlyItsSlot(@ForAll("tasks") Task task) {
        try (Bench bench = open()) {
            Found found = Found.of(bench, task);
            RoutingPlan plan = task.plan();
            int[] seen = new int[found.tokenOfSlot().length];
            int dropped = 0;
            int routed = 0;
            for (int t = 0; t < plan.tokens(); t++) {
                routed += task.routed()[t];
                assertThat(found.firstChoice()[t] >= 0).isEqualTo(task.routed()[t] == 1);
                for (int c = 0; c < plan.choices(); c++) {
                    int slot = found.slotsOfToken()[t * plan.choices() + c];
                    if (slot < 0) {
                        dropped += task.routed()[t];
                        continue;
                    }
                    assertThat(task.routed()[t]).isEqualTo(1);
                    assertThat(found.tokenOfSlot()[slot]).isEqualTo(t);
                    assertThat(slot % plan.slots() / plan.capacity()).isEqualTo(t / plan.groupTokens());
                    seen[slot]++;
                    if (c == 0) {
                        assertThat(slot / plan.slots()).isEqualTo(found.firstChoice()[t]);
                    }
                }
            }
            for (int slot = 0; slot < seen.length; slot++) {
                assertThat(seen[slot]).isEqualTo(found.tokenOfSlot()[slot] < 0 ? 0 : 1);
                assertThat(found.gates()[slot] > 0).isEqualTo(seen[slot] == 1);
            }
            assertThat(found.sums()[RoutingStatistics.DROPPED]).isEqualTo(dropped);
            assertThat(found.sums()[RoutingStatistics.ROUTED]).isEqualTo(routed);
        }
    }

    @Property(tries = 300)
    void loadsAreTheDemandUpToCapacityAndSlotsFillFromTheFirst(@ForAll("tasks") Task task) {
        try (Bench bench = open()) {
            Found found = Found.of(bench, task);
            RoutingPlan plan = task.plan();
            int[] demand = new int[task.experts() * plan.groups()];
            ReferenceRouting wanted = new ReferenceRouting(
                    new RoutingPlan(
                            plan.choices(), plan.groups(), plan.groupTokens(), plan.groupTokens(), plan.groups()),
                    task.grid(),
                    task.routed());
            for (int slot = 0; slot < wanted.tokenOfSlot.length; slot++) {
                demand[slot / plan.groupTokens()] += wanted.tokenOfSlot[slot] < 0 ? 0 : 1;
            }
            for (int queue = 0; queue < demand.length; queue++) {
                int load = Math.min(demand[queue], plan.capacity());
                for (int place = 0; place < plan.capacity(); place++) {
                    assertThat(found.tokenOfSlot()[queue * plan.capacity() + place] >= 0)
                            .isEqualTo(place < load);
                }
            }
        }
    }

    @Property(tries = 300)
    void firstChoicesAreServedBeforeSecondOnesAndTokensInOrder(@ForAll("tasks") Task task) {
        try (Bench bench = open()) {
            Found found = Found.of(bench, task);
            RoutingPlan plan = task.plan();
            for (int queue = 0; queue < task.experts() * plan.groups(); queue++) {
                int before = -1;
                for (int place = 0; place < plan.capacity(); place++) {
                    int slot = queue * plan.capacity() + place;
                    int token = found.tokenOfSlot()[slot];
                    if (token < 0) {
                        break;
                    }
                    int choice = 0;
                    while (found.slotsOfToken()[token * plan.choices() + choice] != slot) {
                        choice++;
                    }
                    assertThat(choice * plan.tokens() + token).isGreaterThan(before);
                    before = choice * plan.tokens() + token;
                }
            }
            // A first choice is only dropped where first choices fill the whole expert.
            for (int t = 0; t < plan.tokens(); t++) {
                if (task.routed()[t] == 1 && found.slotsOfToken()[t * plan.choices()] < 0) {
                    int queue = found.firstChoice()[t] * plan.groups() + t / plan.groupTokens();
                    for (int place = 0; place < plan.capacity(); place++) {
                        int holder = found.tokenOfSlot()[queue * plan.capacity() + place];
                        assertThat(found.firstChoice()[holder]).isEqualTo(found.firstChoice()[t]);
                    }
                }
            }
        }
    }

    @Property(tries = 200)
    void groupsDoNotSeeEachOther(@ForAll("tasks") Task task, @ForAll long seed) {
        RoutingPlan plan = task.plan();
        int[] order = permutation(plan.groups(), new Random(seed));
        int groupTokens = plan.groupTokens();
        double[] logits = new double[task.logits().length];
        int[] routed = new int[task.routed().length];
        for (int g = 0; g < plan.groups(); g++) {
            int size = groupTokens * task.experts();
            System.arraycopy(task.logits(), order[g] * size, logits, g * size, size);
            System.arraycopy(task.routed(), order[g] * groupTokens, routed, g * groupTokens, groupTokens);
        }
        try (Bench bench = open()) {
            Found before = Found.of(bench, task);
            Found after = Found.of(bench, new Task(plan, task.experts(), logits, routed));
            for (int slot = 0; slot < before.tokenOfSlot().length; slot++) {
                int expert = slot / plan.slots();
                int group = slot % plan.slots() / plan.capacity();
                int source = expert * plan.slots() + order[group] * plan.capacity() + slot % plan.capacity();
                int token = before.tokenOfSlot()[source];
                assertThat(after.tokenOfSlot()[slot])
                        .isEqualTo(token < 0 ? -1 : token + (group - order[group]) * groupTokens);
                assertThat(after.gates()[slot]).isEqualTo(before.gates()[source]);
            }
        }
    }

    private static int[] permutation(int size, Random random) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    @Property(tries = 200)
    void dispatchThenCombineWithGatesOfOneKeepsKeptTokensAndNothingElse(@ForAll("tasks") Task task) {
        RoutingPlan plan = task.plan();
        Grid x = Grid.random(new Random(1), plan.tokens(), 3);
        try (Bench bench = open();
                Routing routing = bench.engine.route(
                        plan, bench.master(task.grid()), bench.integers(task.routed(), plan.tokens()))) {
            bench.engine.fill(routing.gateOfSlot(), 1);
            double[] back =
                    bench.doubles(bench.engine.combine(bench.engine.dispatch(bench.compute(x), routing), routing));
            int[] slots = bench.ints(routing.slotsOfToken());
            double[] wanted = x.doubles();
            for (int i = 0; i < wanted.length; i++) {
                int first = i / 3 * plan.choices();
                wanted[i] *= Arrays.stream(slots, first, first + plan.choices())
                        .filter(slot -> slot >= 0)
                        .count();
            }
            assertThat(back).containsExactly(wanted, within(0.0));
        }
    }
}
