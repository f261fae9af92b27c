package dev.sparkswitch.jobs.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Three small tasks of made-up scenes that a tiny model learns in minutes, in the official file formats: questions in
 * SQuAD v1.1's JSON ({@code squad/train-v1.1.json}, {@code squad/dev-v1.1.json}), judgements in BoolQ's JSON lines ({@code
 * boolq/train.jsonl}, {@code boolq/val.jsonl}), summaries in JSON lines of XSum's fields ({@code xsum/train.jsonl}, {@code
 * xsum/test.jsonl}).
 *
 * <p>Whether a scene may be trained on or is kept for testing is decided by a keyed hash of its combination of words, for
 * all tasks alike: no test scene occurs in any training file.
 */
public final class DemoTasks {
    /** Examples a task in the training and the test file. */
    public record Sizes(int train, int test) {
        public Sizes {
            int most = Scene.COMBINATIONS / KEPT_FOR_TEST / 2;
            if (train < 1 || test < 1 || train > most || test > most) {
                throw new IllegalArgumentException(
                        "sizes of a demo task lie in 1.." + most + ", not " + train + " and " + test);
            }
        }

        /** What a tiny model needs to learn all three, and enough to score it. */
        public static Sizes standard() {
            return new Sizes(4000, 300);
        }
    }

    private enum Part {
        TRAIN,
        TEST
    }

    private enum Question {
        WHO,
        WHERE,
        COLOUR,
        WHEN;

        String text(Scene scene) {
            return switch (this) {
                case WHO -> "Who " + scene.verb() + " it?";
                case WHERE -> "Where did it happen?";
                case COLOUR -> "What colour was the " + scene.thing() + "?";
                case WHEN -> "When did it happen?";
            };
        }

        String answer(Scene scene) {
            return switch (this) {
                case WHO -> scene.name();
                case WHERE -> scene.place();
                case COLOUR -> scene.colour();
                case WHEN -> scene.day();
            };
        }
    }

    // One combination in this many is a test scene.
    private static final int KEPT_FOR_TEST = 10;
    // Layers of the random stream: one for the split, one a file for the draws.
    private static final int SPLIT_LAYER = 0;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final long seed;
    private final Philox split;

    private DemoTasks(long seed) {
        this.seed = seed;
        this.split = RandomStream.DEMO.at(seed, 0, SPLIT_LAYER);
    }

    /**
     * Writes the six files; the same seed and sizes give the same bytes.
     *
     * @param folder made when missing; files in it are replaced
     */
    public static void write(Path folder, Sizes sizes, long seed) throws IOException {
        DemoTasks tasks = new DemoTasks(seed);
        Path squad = Files.createDirectories(folder.resolve("squad"));
        tasks.squad(squad.resolve("train-v1.1.json"), tasks.scenes(Part.TRAIN, sizes.train(), 1), 1);
        tasks.squad(squad.resolve("dev-v1.1.json"), tasks.scenes(Part.TEST, sizes.test(), 2), 2);
        Path boolq = Files.createDirectories(folder.resolve("boolq"));
        boolq(boolq.resolve("train.jsonl"), tasks.scenes(Part.TRAIN, sizes.train(), 3));
        boolq(boolq.resolve("val.jsonl"), tasks.scenes(Part.TEST, sizes.test(), 4));
        Path xsum = Files.createDirectories(folder.resolve("xsum"));
        xsum(xsum.resolve("train.jsonl"), tasks.scenes(Part.TRAIN, sizes.train(), 5));
        xsum(xsum.resolve("test.jsonl"), tasks.scenes(Part.TEST, sizes.test(), 6));
    }

    /** Distinct scenes of one part, in random order. */
    private List<Scene> scenes(Part part, int count, int layer) {
        Philox draws = RandomStream.DEMO.at(seed, 1, layer);
        Set<Integer> seen = new HashSet<>();
        List<Scene> scenes = new ArrayList<>(count);
        for (long draw = 0; scenes.size() < count; draw++) {
            int combination = (int) (draws.uniform(draw) * Scene.COMBINATIONS);
            if (part(combination) == part && seen.add(combination)) {
                scenes.add(Scene.of(combination));
            }
        }
        return scenes;
    }

    private Part part(int combination) {
        return Integer.remainderUnsigned(split.bits(combination), KEPT_FOR_TEST) == 0 ? Part.TEST : Part.TRAIN;
    }

    private void squad(Path file, List<Scene> scenes, int layer) throws IOException {
        Philox kinds = RandomStream.DEMO.at(seed, 2, layer);
        ObjectNode root = JSON.createObjectNode().put("version", "1.1");
        ObjectNode article = root.putArray("data").addObject().put("title", "Scenes");
        ArrayNode paragraphs = article.putArray("paragraphs");
        for (int i = 0; i < scenes.size(); i++) {
            Scene scene = scenes.get(i);
            String context = scene.text();
            Question question = Question.values()[kinds.bits(i) & 3];
            String answer = question.answer(scene);
            ObjectNode entry = paragraphs
                    .addObject()
                    .put("context", context)
                    .putArray("qas")
                    .addObject()
                    .put("id", "scene-" + layer + "-" + i)
                    .put("question", question.text(scene));
            entry.putArray("answers")
                    .addObject()
                    .put("answer_start", start(context, answer))
                    .put("text", answer);
        }
        Files.writeString(file, JSON.writeValueAsString(root) + "\n");
    }

    /** Where the answer stands as a word of its own, counted in characters. */
    private static int start(String context, String answer) {
        int start = context.indexOf(" " + answer);
        while (Character.isLetter(context.charAt(start + 1 + answer.length()))) {
            start = context.indexOf(" " + answer, start + 1);
        }
        return start + 1;
    }

    private static void boolq(Path file, List<Scene> scenes) throws IOException {
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            for (int i = 0; i < scenes.size(); i++) {
                line(
                        writer,
                        JSON.createObjectNode()
                                .put("question", "is this good news")
                                .put("passage", scenes.get(i).text())
                                .put("idx", i)
                                .put("label", scenes.get(i).verb().goodNews()));
            }
        }
    }

    private static void xsum(Path file, List<Scene> scenes) throws IOException {
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            for (int i = 0; i < scenes.size(); i++) {
                line(
                        writer,
                        JSON.createObjectNode()
                                .put("id", "scene-" + i)
                                .put("document", scenes.get(i).text())
                                .put("summary", scenes.get(i).summary()));
            }
        }
    }

    private static void line(BufferedWriter writer, ObjectNode row) throws IOException {
        writer.write(JSON.writeValueAsString(row));
        writer.write('\n');
    }
}
