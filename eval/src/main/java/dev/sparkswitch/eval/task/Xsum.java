package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Readers of XSum (Narayan et al. 2018): JSON lines {@code {id, document, summary}}, and the authors' folder of
 * {@code bbc-summary-data/ID.summary} files beside the list of splits.
 */
final class Xsum {
    private static final String SPLITS = "XSum-TRAINING-DEV-TEST-SPLIT-90-5-5.json";
    private static final String FOLDER = "bbc-summary-data";
    private static final int SUMMARY = 6;
    private static final int DOCUMENT = 8;
    // Lines of the page's furniture that the usual preparation drops.
    private static final Set<String> FURNITURE = Set.of(
            "Share this with",
            "Email",
            "Facebook",
            "Messenger",
            "Twitter",
            "Pinterest",
            "WhatsApp",
            "Linkedin",
            "LinkedIn",
            "Copy this link",
            "These are external links and will open in a new window");

    private Xsum() {}

    static List<Example> read(Path path, Split split) {
        return Files.isDirectory(path) ? folder(path, split) : lines(path);
    }

    private static List<Example> lines(Path file) {
        List<Example> examples = new ArrayList<>();
        TaskFile.lines(file, (row, place) -> {
            String id = row.has("id") ? Predictions.id(row.get("id")) : place.id(row);
            String summary = row.hasNonNull("summary") ? place.text(row, "summary") : Example.UNKNOWN;
            examples.add(Example.text(id, TextFormat.summarize(place.text(row, "document")), summary));
        });
        return examples;
    }

    private static List<Example> folder(Path folder, Split split) {
        Path splits = folder.resolve(SPLITS);
        Path articles = folder.resolve(FOLDER);
        if (!Files.isRegularFile(splits) || !Files.isDirectory(articles)) {
            throw new UserException(folder + ": neither " + SPLITS + " with " + FOLDER
                    + " nor JSON lines of this split; get XSum from " + Tasks.XSUM_ORIGIN);
        }
        String key =
                switch (split) {
                    case TRAIN -> "train";
                    case VALIDATION -> "validation";
                    case TEST -> "test";
                };
        List<Example> examples = new ArrayList<>();
        for (JsonNode id : TaskFile.tree(splits).path(key)) {
            if (!id.asText().matches("[A-Za-z0-9_-]+")) {
                throw new UserException(
                        splits + ": \"" + id.asText() + "\" is no article id; get the file from " + Tasks.XSUM_ORIGIN);
            }
            examples.add(article(articles.resolve(id.asText() + ".summary"), id.asText()));
        }
        return examples;
    }

    private static Example article(Path file, String id) {
        if (!Files.isRegularFile(file)) {
            throw new UserException(file + ": no such article; get XSum from " + Tasks.XSUM_ORIGIN);
        }
        StringBuilder kept = new StringBuilder();
        try {
            for (String line : Files.readAllLines(file)) {
                if (!line.isBlank() && !FURNITURE.contains(line)) {
                    kept.append(line).append('\n');
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
        String[] parts = kept.toString().split("\\[SN\\]", -1);
        if (parts.length <= DOCUMENT) {
            throw new UserException(
                    file + ": no [SN]FIRST-SENTENCE[SN] and [SN]RESTBODY[SN]; get XSum from " + Tasks.XSUM_ORIGIN);
        }
        return Example.text(id, TextFormat.summarize(parts[DOCUMENT].strip()), parts[SUMMARY].strip());
    }
}
