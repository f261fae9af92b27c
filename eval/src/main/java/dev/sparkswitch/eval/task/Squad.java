package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.task.TaskFile.Place;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Reader of SQuAD v1.1's JSON (Rajpurkar et al. 2016). */
final class Squad {
    private Squad() {}

    static List<Example> read(Path file, Split split) {
        JsonNode articles = TaskFile.tree(file).path("data");
        if (!articles.isArray()) {
            throw new UserException(
                    file + ": no list \"data\"; give SQuAD v1.1's JSON file in its official layout, as downloaded");
        }
        Place place = new Place(file, 0);
        List<Example> examples = new ArrayList<>();
        for (JsonNode article : articles) {
            for (JsonNode paragraph : article.path("paragraphs")) {
                String context = place.text(paragraph, "context");
                for (JsonNode question : paragraph.path("qas")) {
                    examples.add(example(question, context, place));
                }
            }
        }
        return examples;
    }

    private static Example example(JsonNode question, String context, Place place) {
        String id = place.text(question, "id");
        List<String> originals = new ArrayList<>();
        Set<String> padded = new LinkedHashSet<>();
        for (JsonNode answer : question.path("answers")) {
            String text = place.text(answer, "text");
            originals.add(text);
            padded.add(TextFormat.padPunctuation(text));
        }
        if (originals.isEmpty()) {
            throw new UserException(place.file() + ": question \"" + id
                    + "\" has no answers, which SQuAD v1.1 does not allow; give a v1.1 file, not a v2.0 one");
        }
        List<String> references = List.copyOf(padded);
        String input = TextFormat.squad(place.text(question, "question"), context);
        return new Example(id, id, input, references.get(0), "", references, originals);
    }
}
