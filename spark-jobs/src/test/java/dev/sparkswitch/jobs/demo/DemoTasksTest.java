package dev.sparkswitch.jobs.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.eval.metric.Bootstrap;
import dev.sparkswitch.eval.task.Example;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.eval.task.Tasks;
import dev.sparkswitch.eval.task.Wording;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoTasksTest {
    private static final Pattern SCENE =
            Pattern.compile("On \\w+ \\w+ \\w+ a \\w+ \\w+ in the \\w+ ?\\.", Pattern.CASE_INSENSITIVE);

    @TempDir
    Path folder;

    @Test
    void noTestSceneIsTrainedOnInAnyTask() throws IOException {
        DemoTasks.write(folder, DemoTasks.Sizes.standard(), 17);
        Set<String> train = new HashSet<>();
        Set<String> test = new HashSet<>();
        for (Map.Entry<String, Split> task : Map.of(
                        "squad", Split.VALIDATION, "boolq", Split.VALIDATION, "xsum", Split.TEST)
                .entrySet()) {
            List<Example> trained = read(task.getKey(), Split.TRAIN);
            List<Example> tested = read(task.getKey(), task.getValue());
            assertThat(trained).hasSize(4000);
            assertThat(tested).hasSize(300);
            assertThat(scenes(trained)).doesNotHaveDuplicates();
            assertThat(scenes(tested)).doesNotHaveDuplicates();
            train.addAll(scenes(trained));
            test.addAll(scenes(tested));
        }
        assertThat(test).isNotEmpty().doesNotContainAnyElementsOf(train);
    }

    @Test
    void answersStandWhereTheFileSaysTheyDo() throws IOException {
        DemoTasks.write(folder, DemoTasks.Sizes.standard(), 17);
        Map<String, Integer> kinds = new HashMap<>();
        JsonNode root = new ObjectMapper()
                .readTree(folder.resolve("squad/train-v1.1.json").toFile());
        for (JsonNode paragraph : root.at("/data/0/paragraphs")) {
            String context = paragraph.get("context").textValue();
            JsonNode question = paragraph.at("/qas/0");
            JsonNode answer = question.at("/answers/0");
            int start = answer.get("answer_start").intValue();
            assertThat(context.substring(start)).startsWith(answer.get("text").textValue());
            assertThat(context.substring(start - 1)).matches(" \\w+\\b.*");
            kinds.merge(question.get("question").textValue().split(" ")[0], 1, Integer::sum);
        }
        assertThat(kinds).hasSize(4).allSatisfy((kind, count) -> assertThat(count)
                .isBetween(900, 1100));
    }

    @Test
    void goldAnswersScoreFullMarks() throws IOException {
        DemoTasks.write(folder, new DemoTasks.Sizes(50, 60), 3);
        for (String name : List.of("squad", "boolq", "xsum")) {
            Task task = Tasks.named(name);
            List<Example> examples = read(name, name.equals("xsum") ? Split.TEST : Split.VALIDATION);
            Map<String, String> gold = new HashMap<>();
            examples.forEach(example -> gold.put(example.id(), example.target()));
            assertThat(task.evaluate(examples, gold, Wording.T5, Bootstrap.standard(1))
                            .scores()
                            .mean())
                    .isEqualTo(100);
        }
    }

    @Test
    void yesAndNoAreBalanced() throws IOException {
        DemoTasks.write(folder, DemoTasks.Sizes.standard(), 17);
        assertThat(read("boolq", Split.TRAIN).stream()
                        .filter(example -> example.label().equals("True"))
                        .count())
                .isBetween(1850L, 2150L);
    }

    @Test
    void theSeedAloneDecidesTheBytes() throws IOException {
        DemoTasks.write(folder.resolve("a"), new DemoTasks.Sizes(100, 20), 5);
        DemoTasks.write(folder.resolve("b"), new DemoTasks.Sizes(100, 20), 5);
        DemoTasks.write(folder.resolve("c"), new DemoTasks.Sizes(100, 20), 6);
        for (String file : List.of("squad/train-v1.1.json", "boolq/val.jsonl", "xsum/test.jsonl")) {
            assertThat(folder.resolve("a").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("b").resolve(file));
            assertThat(Files.readString(folder.resolve("c").resolve(file)))
                    .isNotEqualTo(Files.readString(folder.resolve("a").resolve(file)));
        }
    }

    @Test
    void sizesBeyondTheScenesAreRefused() {
        assertThatThrownBy(() -> new DemoTasks.Sizes(4000, 10_000_000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("10000000");
    }

    private List<Example> read(String task, Split split) {
        return Tasks.named(task).read(folder.resolve(task), split);
    }

    private static List<String> scenes(List<Example> examples) {
        List<String> scenes = new ArrayList<>();
        for (Example example : examples) {
            Matcher matcher = SCENE.matcher(example.input());
            assertThat(matcher.find()).as(example.input()).isTrue();
            scenes.add(matcher.group().replace(" .", "."));
        }
        return scenes;
    }
}
