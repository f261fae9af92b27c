package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * Readers of CNN/DailyMail (Hermann et al. 2015; non-anonymised, See et al. 2017): JSON lines {@code {id, article,
 * highlights}}, {@code test.source} with {@code test.target}, and the folders of stories beside the lists of their addresses,
 * prepared as TensorFlow Datasets prepares them, on which T5's figures rest.
 */
final class CnnDailymail {
    static final String ORIGIN =
            "https://cs.nyu.edu/~kcho/DMQA/ (stories) and" + " https://github.com/abisee/cnn-dailymail (url_lists)";
    private static final String HIGHLIGHT = "@highlight";
    private static final Set<String> ENDS = Set.of(".", "!", "?", "...", "'", "`", "\"", "’", "”", ")");
    private static final List<String> STORIES =
            List.of("cnn/stories", "dailymail/stories", "cnn_stories", "dailymail_stories", "stories");

    private CnnDailymail() {}

    static List<Example> read(Path path, Split split) {
        if (!Files.isDirectory(path)) {
            return path.getFileName().toString().contains(".source") ? pair(path) : rows(path);
        }
        String word =
                switch (split) {
                    case TRAIN -> "train";
                    case VALIDATION -> "val";
                    case TEST -> "test";
                };
        for (String ending : List.of(".source", ".source.gz")) {
            if (Files.exists(path.resolve(word + ending))) {
                return pair(path.resolve(word + ending));
            }
        }
        return stories(path, word);
    }

    private static List<Example> rows(Path file) {
        List<Example> examples = new ArrayList<>();
        TaskFile.lines(file, (row, place) -> {
            String id = row.has("id") ? Predictions.id(row.get("id")) : place.id(row);
            JsonNode article = row.path("article");
            String input = TextFormat.summarize(place.text(row, "article"));
            boolean known = article.isTextual() && row.hasNonNull("highlights");
            examples.add(Example.text(id, input, known ? place.text(row, "highlights") : Example.UNKNOWN));
        });
        return examples;
    }

    private static List<Example> pair(Path source) {
        Path target = source.resolveSibling(source.getFileName().toString().replace(".source", ".target"));
        if (!Files.exists(target)) {
            throw new UserException(target + ": no such file beside " + source.getFileName() + "; give both of a pair");
        }
        List<String> articles = TaskFile.texts(source);
        List<String> summaries = TaskFile.texts(target);
        if (articles.size() != summaries.size()) {
            throw new UserException(target + ": " + summaries.size() + " lines, but " + source + " has "
                    + articles.size() + "; give the two files of one pair, as downloaded");
        }
        List<Example> examples = new ArrayList<>();
        for (int i = 0; i < articles.size(); i++) {
            examples.add(Example.text(Integer.toString(i), TextFormat.summarize(articles.get(i)), summaries.get(i)));
        }
        return examples;
    }

    private static List<Example> stories(Path folder, String split) {
        Path list = folder.resolve("url_lists/all_" + split + ".txt");
        if (!Files.exists(list)) {
            list = folder.resolve("all_" + split + ".txt");
        }
        if (!Files.exists(list)) {
            throw new UserException(folder + ": neither " + split + ".source nor url_lists/all_" + split
                    + ".txt nor JSON lines of this split; get CNN/DailyMail from " + ORIGIN);
        }
        List<Example> examples = new ArrayList<>();
        for (String url : TaskFile.texts(list)) {
            examples.add(story(folder, hash(url.strip())));
        }
        return examples;
    }

    /** A story's file is named after its address. */
    private static String hash(String url) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-1").digest(url.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-1", e);
        }
    }

    private static Example story(Path folder, String hash) {
        for (String place : STORIES) {
            Path file = folder.resolve(place).resolve(hash + ".story");
            if (Files.exists(file)) {
                return story(hash, TaskFile.texts(file));
            }
        }
        throw new UserException(
                folder + ": no story " + hash + ".story in " + String.join(", ", STORIES) + "; get it from " + ORIGIN);
    }

    private static Example story(String id, List<String> lines) {
        List<String> article = new ArrayList<>();
        List<String> highlights = new ArrayList<>();
        boolean next = false;
        for (String raw : lines) {
            String line = ended(raw.strip());
            if (line.startsWith(HIGHLIGHT)) {
                next = true;
            } else if (!line.isEmpty()) {
                (next ? highlights : article).add(line);
            }
        }
        return Example.text(id, TextFormat.summarize(String.join(" ", article)), String.join("\n", highlights));
    }

    /** Headlines and highlights stand without a period; a sentence needs one. */
    private static String ended(String line) {
        boolean mark = line.contains(HIGHLIGHT) || line.isEmpty();
        return mark || ENDS.contains(line.substring(line.length() - 1)) ? line : line + " .";
    }
}
