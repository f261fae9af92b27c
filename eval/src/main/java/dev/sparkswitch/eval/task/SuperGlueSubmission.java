package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.eval.metric.WscMetric;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The files that super.gluebenchmark.com takes, one object an example. The site takes labels alone, so a prediction that is
 * none stands there as the task's last label, and {@link #mended} counts such rows.
 *
 * @param file its name
 * @param lines one JSON object each
 * @param mended predictions that were no label
 */
public record SuperGlueSubmission(String file, List<String> lines, long mended) {
    private static final Map<String, String> FILES = Map.of(
            "boolq", "BoolQ.jsonl",
            "cb", "CB.jsonl",
            "copa", "COPA.jsonl",
            "multirc", "MultiRC.jsonl",
            "record", "ReCoRD.jsonl",
            "rte", "RTE.jsonl",
            "wic", "WiC.jsonl",
            "wsc", "WSC.jsonl");

    public SuperGlueSubmission {
        lines = List.copyOf(lines);
    }

    /** Whether {@code task} is one of SuperGLUE's. */
    public static boolean covers(Task task) {
        return FILES.containsKey(task.name());
    }

    /** The file of a task's answers, in the order of the examples. */
    public static SuperGlueSubmission of(Task task, List<ScoredExample> examples) {
        long mended = examples.stream().filter(example -> !example.valid()).count();
        List<String> lines = task.name().equals("multirc") ? multiRc(task, examples) : flat(task, examples);
        return new SuperGlueSubmission(FILES.get(task.name()), lines, mended);
    }

    private static List<String> flat(Task task, List<ScoredExample> examples) {
        List<String> lines = new ArrayList<>();
        for (ScoredExample example : examples) {
            ObjectNode line = JsonNodeFactory.instance.objectNode();
            String[] id = example.example().id().split("/", -1);
            number(line, "idx", id[id.length - 1]);
            switch (task.name()) {
                case "copa" -> line.put("label", label(task, example).equals("choice2") ? 1 : 0);
                case "boolq", "wic" -> line.put("label", label(task, example).toLowerCase(java.util.Locale.ROOT));
                case "record" -> line.put("label", example.prediction().orElse(""));
                case "wsc" -> line.put("label", sameNoun(example) ? "True" : "False");
                default -> line.put("label", label(task, example));
            }
            lines.add(line.toString());
        }
        return lines;
    }

    private static boolean sameNoun(ScoredExample example) {
        return WscMetric.verdict(
                        example.prediction().orElse(""),
                        example.example().references().get(0))
                == WscMetric.Verdict.SAME;
    }

    private static String label(Task task, ScoredExample example) {
        String last = task.labels().get(task.labels().size() - 1);
        return example.valid() ? example.prediction().orElse(last) : last;
    }

    /** A passage with its questions, a question with its answers. */
    private static List<String> multiRc(Task task, List<ScoredExample> examples) {
        Map<String, ObjectNode> passages = new LinkedHashMap<>();
        Map<String, ArrayNode> answers = new LinkedHashMap<>();
        for (ScoredExample example : examples) {
            String[] id = example.example().id().split("/", -1);
            ObjectNode passage = passages.computeIfAbsent(id[0], name -> {
                ObjectNode line = JsonNodeFactory.instance.objectNode();
                number(line, "idx", name);
                line.putObject("passage").putArray("questions");
                return line;
            });
            ArrayNode of = answers.computeIfAbsent(example.example().group(), group -> {
                ObjectNode question = ((ArrayNode) passage.at("/passage/questions")).addObject();
                number(question, "idx", id[1]);
                return question.putArray("answers");
            });
            ObjectNode answer = of.addObject();
            number(answer, "idx", id[2]);
            answer.put("label", label(task, example).equals("True") ? 1 : 0);
        }
        return passages.values().stream().map(ObjectNode::toString).toList();
    }

    private static void number(ObjectNode node, String key, String value) {
        if (value.matches("\\d{1,18}")) {
            node.put(key, Long.parseLong(value));
        } else {
            node.put(key, value);
        }
    }
}
