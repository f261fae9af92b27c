package dev.sparkswitch.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What {@link OperationBenchmark} found.
 *
 * @param engine the engine and what it ran on
 * @param ceilings the best that this machine does
 * @param operations their times
 */
public record OperationReport(String engine, Ceilings ceilings, List<OperationBenchmark.Timed> operations) {
    private static final double TERA = 1e12;
    private static final double GIGA = 1e9;

    public OperationReport {
        operations = List.copyOf(operations);
    }

    /** The report for a person. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(engine);
        lines.add(String.format(
                Locale.ROOT,
                "peak %.3f TFLOP/s (product of %d x %d matrices), copy %.1f GB/s",
                ceilings.flopsPerSecond() / TERA,
                ceilings.size(),
                ceilings.size(),
                ceilings.bytesPerSecond() / GIGA));
        lines.add(String.format(
                Locale.ROOT, "%-44s %10s %9s %9s %6s", "operation", "median ms", "TFLOP/s", "GB/s", "share"));
        for (OperationBenchmark.Timed timed : operations) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%-44s %10.4f %9.3f %9.1f %5.1f%%",
                    timed.name(),
                    timed.seconds() * 1e3,
                    timed.flops() / timed.seconds() / TERA,
                    timed.bytes() / timed.seconds() / GIGA,
                    100 * timed.share(ceilings)));
        }
        lines.add("share: the least time that arithmetic or memory would need, over the time taken");
        return lines;
    }

    /** The report for a program; times in seconds, rates a second. */
    public ObjectNode toJson() {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.put("engine", engine);
        tree.put("peak-flops", ceilings.flopsPerSecond());
        tree.put("copy-bytes", ceilings.bytesPerSecond());
        ArrayNode list = tree.putArray("operations");
        for (OperationBenchmark.Timed timed : operations) {
            list.addObject()
                    .put("name", timed.name())
                    .put("seconds", timed.seconds())
                    .put("flops", timed.flops())
                    .put("bytes", timed.bytes())
                    .put("share", timed.share(ceilings));
        }
        return tree;
    }
}
