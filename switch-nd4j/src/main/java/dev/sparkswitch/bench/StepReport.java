package dev.sparkswitch.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.train.HeldMemory;
import dev.sparkswitch.train.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What {@link StepBenchmark} found.
 *
 * @param engine what computed
 * @param precision in which arithmetic
 * @param parameters of the model
 * @param plan what was measured
 * @param dropout of the model
 * @param seconds of each step
 * @param flops that a step cannot do without; see {@link StepFlops}
 * @param ceilings what the machine can do
 * @param memory what the first rank holds
 * @param crossEntropy of the last step's targets, nats
 * @param droppedFraction choices of experts that found no slot in the last step
 * @param exchanges between ranks, of the first one; empty where it is alone or nothing was timed
 * @param profiledSeconds of each step whose operations were timed
 * @param phases sums over those steps, of the first rank
 * @param operations the same by operation and shape
 */
public record StepReport(
        String engine,
        Precision precision,
        long parameters,
        StepBenchmark.Plan plan,
        double dropout,
        double[] seconds,
        double flops,
        Ceilings ceilings,
        Memory memory,
        double crossEntropy,
        double droppedFraction,
        Optional<Exchanges> exchanges,
        double[] profiledSeconds,
        Map<Phase, Work> phases,
        Map<Phase, Map<String, Work>> operations) {
    private static final double MILLI = 1e-3;
    private static final double TERA = 1e12;
    private static final double GIGA = 1e9;
    private static final double GIB = 1L << 30;
    /** Below this many operations a second, rates read better in giga. */
    private static final double LARGE_RATE = 5e12;

    /**
     * Bytes that the engine holds.
     *
     * @param parameters weights
     * @param gradients theirs
     * @param optimizer the optimizer's state
     * @param activations everything else: what the forward pass keeps, scratch, blocks between uses
     */
    public record Memory(long parameters, long gradients, long optimizer, long activations) {
        static Memory of(SwitchTransformer model, Optimizer optimizer) {
            HeldMemory held = HeldMemory.of(model, optimizer);
            return new Memory(
                    held.parameters(),
                    held.gradients(),
                    held.optimizer(),
                    model.engine().memoryBytes() - held.total());
        }

        /** All of them. */
        public long total() {
            return parameters + gradients + optimizer + activations;
        }
    }

    /**
     * What a rank's exchanges with others take, waiting for them included.
     *
     * @param stepSeconds of a step in which exchanges alone were timed
     * @param exposedSeconds of it in which the engine waited for exchanges
     * @param seconds that the exchanges took, one after the other, beside the engine's operations or not
     * @param count of exchanges
     */
    public record Exchanges(double stepSeconds, double exposedSeconds, double seconds, int count) {
        static Optional<Exchanges> of(Timeline timeline, double stepSeconds, int steps) {
            Work exposed = timeline.phases().get(Phase.COMMUNICATION);
            if (exposed == null) {
                return Optional.empty();
            }
            Work all = timeline.exchanges();
            return Optional.of(new Exchanges(
                    stepSeconds / steps, exposed.seconds() / steps, all.seconds() / steps, all.count() / steps));
        }

        /** The share of the step in which the engine waited. */
        public double exposedShare() {
            return exposedSeconds / stepSeconds;
        }
    }

    /** The median step in seconds. */
    public double stepSeconds() {
        return Ceilings.median(seconds);
    }

    /** Input and target positions a second. */
    public double tokensPerSecond() {
        return (double) plan.rows() * (plan.inputLength() + plan.targetLength()) / stepSeconds();
    }

    /** The share of the measured peak, of all ranks together, that the step's arithmetic reaches. */
    public double shareOfPeak() {
        return flops / stepSeconds() / (plan.ranks() * ceilings.flopsPerSecond());
    }

    /** Seconds of a timed step in which no operation ran: the engine waited for the host. */
    private double gaps() {
        double sum = Arrays.stream(profiledSeconds).sum();
        for (Work work : phases.values()) {
            sum -= work.seconds();
        }
        return sum / profiledSeconds.length;
    }

    /** The report for a person; with {@code operations} lines under each phase at most. */
    public List<String> lines(int operationsOfAPhase) {
        double[] sorted = seconds.clone();
        Arrays.sort(sorted);
        List<String> lines = new ArrayList<>();
        lines.add(text(
                "%,d parameters on %s; %d rows x (%d + %d) positions, %s, dropout %s",
                parameters,
                engine,
                plan.rows(),
                plan.inputLength(),
                plan.targetLength(),
                plan.optimizer().name().toLowerCase(Locale.ROOT),
                dropout));
        lines.add(text(
                "  step        %10.2f ms  median of %d, %.2f to %.2f",
                stepSeconds() / MILLI, seconds.length, sorted[0] / MILLI, sorted[sorted.length - 1] / MILLI));
        lines.add(text(
                "  speed       %,10.0f tokens/s, inputs and targets%s",
                tokensPerSecond(),
                plan.ranks() == 1
                        ? ""
                        : text("; %,.0f of each of %d ranks", tokensPerSecond() / plan.ranks(), plan.ranks())));
        lines.add(text(
                "  arithmetic  %10.3f TFLOP a step, %s, %.1f %% of the measured peak",
                flops / TERA, rate(flops / stepSeconds()), 100 * shareOfPeak()));
        lines.add(text(
                "  peak        %s (product of %d x %d matrices), copy %.1f GB/s",
                rate(ceilings.flopsPerSecond()).stripLeading(),
                ceilings.size(),
                ceilings.size(),
                ceilings.bytesPerSecond() / GIGA));
        lines.add(text(
                "  memory      %10.2f GiB: parameters %.2f, gradients %.2f, optimizer %.2f, activations %.2f",
                memory.total() / GIB,
                memory.parameters() / GIB,
                memory.gradients() / GIB,
                memory.optimizer() / GIB,
                memory.activations() / GIB));
        lines.add(text("  loss        %10.3f nats, %.2f %% of choices dropped", crossEntropy, 100 * droppedFraction));
        exchanges.ifPresent(found -> lines.add(text(
                "  exchanges   %10.2f ms exposed, %.1f %% of a step of %.2f ms; %.2f ms in all %d of them",
                found.exposedSeconds() / MILLI,
                100 * found.exposedShare(),
                found.stepSeconds() / MILLI,
                found.seconds() / MILLI,
                found.count())));
        if (profiledSeconds.length > 0) {
            addPhases(lines, operationsOfAPhase);
        }
        return lines;
    }

    private void addPhases(List<String> lines, int operationsOfAPhase) {
        double step = Arrays.stream(profiledSeconds).sum() / profiledSeconds.length;
        lines.add(text(
                "phases, means of %d further steps with every operation timed (%.2f ms a step)",
                profiledSeconds.length, step / MILLI));
        for (Map.Entry<Phase, Work> phase : phases.entrySet()) {
            lines.add(line("  ", phase.getKey().title(), phase.getValue(), step));
            operations.get(phase.getKey()).entrySet().stream()
                    .sorted(Comparator.comparingDouble(
                            entry -> -entry.getValue().seconds()))
                    .limit(operationsOfAPhase)
                    .forEach(entry -> lines.add(line("      ", entry.getKey(), entry.getValue(), step)));
        }
        lines.add(text("  %-70s %9.3f ms %5.1f %%", "gaps between operations", gaps() / MILLI, 100 * gaps() / step));
    }

    private String line(String indent, String name, Work work, double step) {
        double each = work.seconds() / profiledSeconds.length;
        String count = text(" x %d", work.count() / profiledSeconds.length);
        return text("%-72s %9.3f ms %5.1f %%", indent + name + count, each / MILLI, 100 * each / step)
                + (work.flops() > 0 ? "  " + rate(work.flops() / work.seconds()) : "");
    }

    private static String rate(double flopsPerSecond) {
        return flopsPerSecond >= LARGE_RATE
                ? text("%7.1f TFLOP/s", flopsPerSecond / TERA)
                : text("%7.1f GFLOP/s", flopsPerSecond / GIGA);
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** The report for a program; times in seconds, sizes in bytes. */
    public ObjectNode toJson() {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.put("engine", engine);
        tree.put("precision", precision.name().toLowerCase(Locale.ROOT));
        tree.put("parameters", parameters);
        tree.put("ranks", plan.ranks());
        tree.put("rows", plan.rows());
        tree.put("inputs", plan.inputLength());
        tree.put("targets", plan.targetLength());
        tree.put("optimizer", plan.optimizer().name().toLowerCase(Locale.ROOT));
        tree.put("dropout", dropout);
        tree.put("step-seconds", stepSeconds());
        ArrayNode all = tree.putArray("steps");
        for (double each : seconds) {
            all.add(each);
        }
        tree.put("tokens-per-second", tokensPerSecond());
        tree.put("flops", flops);
        tree.put("flops-per-second", flops / stepSeconds());
        tree.put("share-of-peak", shareOfPeak());
        tree.putObject("peak")
                .put("flops-per-second", ceilings.flopsPerSecond())
                .put("size", ceilings.size())
                .put("copy-bytes-per-second", ceilings.bytesPerSecond());
        tree.putObject("memory")
                .put("parameters", memory.parameters())
                .put("gradients", memory.gradients())
                .put("optimizer", memory.optimizer())
                .put("activations", memory.activations());
        tree.put("cross-entropy", crossEntropy);
        tree.put("dropped-fraction", droppedFraction);
        exchanges.ifPresent(found -> tree.putObject("exchanges")
                .put("step-seconds", found.stepSeconds())
                .put("exposed-seconds", found.exposedSeconds())
                .put("seconds", found.seconds())
                .put("count", found.count()));
        if (profiledSeconds.length > 0) {
            tree.put("profiled-step-seconds", Arrays.stream(profiledSeconds).sum() / profiledSeconds.length);
            ObjectNode parts = tree.putObject("phases");
            for (Map.Entry<Phase, Work> phase : phases.entrySet()) {
                ObjectNode part = add(parts, key(phase.getKey()), phase.getValue());
                ObjectNode names = part.putObject("operations");
                operations.get(phase.getKey()).forEach((name, work) -> add(names, name, work));
            }
            parts.putObject("gaps").put("seconds", gaps());
        }
        return tree;
    }

    private ObjectNode add(ObjectNode parent, String name, Work work) {
        int steps = profiledSeconds.length;
        return parent.putObject(name)
                .put("count", work.count() / steps)
                .put("seconds", work.seconds() / steps)
                .put("flops", work.flops() / steps);
    }

    private static String key(Phase phase) {
        return phase.name().toLowerCase(Locale.ROOT);
    }
}
