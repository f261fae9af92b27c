package dev.sparkswitch.eval.study;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;

/** A study's figures for programs. Numbers that are not there are left out. */
public final class StudyJson {
    private StudyJson() {}

    /** The tree; times in seconds, losses in nats a target token. */
    public static ObjectNode of(Comparison comparison) {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.put("baseline", comparison.baseline().variant().name());
        put(tree, "target-loss", comparison.target());
        put(tree, "threshold", comparison.threshold());
        tree.put("step", comparison.step());
        ObjectNode variants = tree.putObject("variants");
        for (Comparison.Row row : comparison.rows()) {
            variants.set(row.variant().name(), variant(row));
        }
        return tree;
    }

    private static ObjectNode variant(Comparison.Row row) {
        StudyVariant variant = row.variant();
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.put("experts", variant.experts());
        tree.put("capacity-factor", variant.capacity());
        tree.put("parameters", variant.parameters());
        put(tree, "flops-a-token", variant.flopsAToken());
        put(tree, "flops-ratio", row.flopsRatio());
        put(tree, "loss-at-step", row.lossAtStep());
        put(tree, "deviation-at-step", row.deviationAtStep());
        put(tree, "best-loss", row.best());
        put(tree, "steps-to-target", row.stepsToTarget());
        put(tree, "seconds-to-target", row.secondsToTarget());
        put(tree, "speed-up-in-steps", row.stepSpeedUp());
        put(tree, "speed-up-in-time", row.timeSpeedUp());
        put(tree, "seconds-to-threshold", row.secondsToThreshold());
        put(tree, "rows-per-second", row.rowsPerSecond());
        put(tree, "tokens-per-second", row.tokensPerSecond());
        put(tree, "dropped", row.load().dropped());
        put(tree, "busiest-expert", row.load().most());
        put(tree, "idlest-expert", row.load().least());
        ArrayNode runs = tree.putArray("runs");
        for (StudyVariant.Run run : variant.runs()) {
            ObjectNode one = runs.addObject().put("seed", run.seed());
            one.put("state", run.state().name().toLowerCase(Locale.ROOT).replace('_', '-'));
            if (!run.note().isEmpty()) {
                one.put("note", run.note());
            }
        }
        ArrayNode course = tree.putArray("course");
        for (Course.Point point : row.course().points()) {
            ObjectNode one = course.addObject().put("step", point.step());
            put(one, "seconds", point.seconds());
            put(one, "flops", point.flops());
            put(one, "heldout-loss", point.loss());
            put(one, "deviation", point.deviation());
            put(one, "heldout-text-loss", point.textLoss());
            put(one, "training-loss", point.trainingLoss());
        }
        return tree;
    }

    private static void put(ObjectNode tree, String key, double value) {
        if (Double.isFinite(value)) {
            tree.put(key, value);
        }
    }
}
