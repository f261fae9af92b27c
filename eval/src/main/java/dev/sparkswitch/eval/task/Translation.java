package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reader of parallel texts: two files of lines whose names differ in the language ({@code train.en}, {@code train.de}), WMT's
 * {@code NAME.src.en} with one or more {@code NAME.ref.A.de} or {@code NAME-src.en.sgm} with {@code NAME-ref.de.sgm},
 * {@code val.source} with {@code val.target}, gzipped or not; a {@code .tsv} of source and references; JSON lines of
 * {@code {"translation": {"en": ..., "de": ...}}}.
 *
 * @param from the source language by its English name
 * @param to the target language
 */
record Translation(String from, String to) implements Task.Layout {
    /** The tasks' names: {@code translate-english-to-german}, any two languages. */
    static final Pattern NAME = Pattern.compile("translate-([a-z]+)-to-([a-z]+)");

    static final String ORIGIN = "https://www.statmt.org/wmt22/translation-task.html (or .../wmt14, .../wmt16) or"
            + " https://github.com/multi30k/dataset";

    private static final Map<String, String> CODES = new TreeMap<>();
    private static final Pattern SEGMENT = Pattern.compile("<seg[^>]*>(.*)</seg>");

    static {
        for (String code : Locale.getISOLanguages()) {
            CODES.put(
                    Locale.forLanguageTag(code)
                            .getDisplayLanguage(Locale.ENGLISH)
                            .toLowerCase(Locale.ROOT),
                    code);
        }
    }

    /** The task called {@code name}, if it is the name of a translation between languages that there are. */
    static Optional<Translation> named(String name) {
        Matcher matcher = NAME.matcher(name);
        boolean known = matcher.matches() && CODES.containsKey(matcher.group(1)) && CODES.containsKey(matcher.group(2));
        return known ? Optional.of(new Translation(matcher.group(1), matcher.group(2))) : Optional.empty();
    }

    @Override
    public boolean takesFolders() {
        return true;
    }

    @Override
    public List<Example> read(Path path, Split split) {
        Path file = Files.isDirectory(path) ? source(path, split) : path;
        String name = plain(file);
        if (name.endsWith(".tsv")) {
            return columns(file);
        }
        if (name.endsWith(".jsonl") || name.endsWith(".json")) {
            return rows(file);
        }
        List<Path> targets = targets(file);
        if (targets.isEmpty()) {
            throw new UserException(file + ": no file beside it has the translations to " + code(to) + "; give "
                    + "the source file of a pair such as train." + code(from) + " and train." + code(to)
                    + ", or get one from " + ORIGIN);
        }
        return lines(file, targets);
    }

    private static String code(String language) {
        return CODES.get(language);
    }

    private String input(String text) {
        return TextFormat.translate(capital(from), capital(to), text);
    }

    private static String capital(String word) {
        return word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
    }

    /** The one source file of a split in a folder. */
    private Path source(Path folder, Split split) {
        List<String> words =
                switch (split) {
                    case TRAIN -> List.of("train");
                    case VALIDATION -> List.of("val", "dev");
                    case TEST -> List.of("test");
                };
        List<Path> exact = new ArrayList<>();
        List<Path> similar = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                String name = plain(file);
                boolean table = name.endsWith(".tsv") || name.endsWith(".jsonl");
                if (!Files.isRegularFile(file) || !table && targets(file).isEmpty()) {
                    continue;
                }
                String stem = name.substring(0, name.indexOf('.') < 0 ? name.length() : name.indexOf('.'));
                if (words.contains(stem) || stem.equals("valid") || stem.equals("validation")) {
                    boolean own = words.stream().anyMatch(stem::startsWith);
                    (own ? exact : similar).add(file);
                } else if (words.stream().anyMatch(stem::contains)) {
                    similar.add(file);
                }
            }
        } catch (IOException e) {
            throw new UserException(folder + ": cannot be read (" + e.getMessage() + "); check your rights", e);
        }
        similar.removeIf(file -> words.stream().noneMatch(plain(file)::contains));
        List<Path> found = exact.isEmpty() ? similar : exact;
        if (found.size() == 1) {
            return found.get(0);
        }
        if (found.isEmpty()) {
            throw new UserException(
                    folder + ": no pair of files such as " + words.get(0) + "." + code(from) + " and " + words.get(0)
                            + "." + code(to) + "; get one from " + ORIGIN + " and name its folder or source file");
        }
        throw new UserException(folder + ": " + found.size() + " files could be meant ("
                + found.get(0).getFileName() + ", " + found.get(1).getFileName()
                + " ...); name the source file itself");
    }

    /** The files with the translations of a source file, in order of their names; none where it is no source file. */
    private List<Path> targets(Path source) {
        String name = plain(source);
        String src = code(from);
        String tgt = code(to);
        Path folder = source.toAbsolutePath().getParent();
        if (name.endsWith(".src." + src)) {
            String stem = name.substring(0, name.length() - (".src." + src).length());
            Pattern reference = Pattern.compile(Pattern.quote(stem) + "\\.ref\\.(.*\\.)?" + tgt);
            return siblings(folder, reference);
        }
        if (name.endsWith("-src." + src + ".sgm")) {
            String stem = name.substring(0, name.length() - ("-src." + src + ".sgm").length());
            return siblings(folder, Pattern.compile(Pattern.quote(stem + "-ref." + tgt + ".sgm")));
        }
        if (name.endsWith(".source")) {
            String stem = name.substring(0, name.length() - ".source".length());
            return siblings(folder, Pattern.compile(Pattern.quote(stem + ".target")));
        }
        if (name.endsWith("." + src) && !name.contains(".ref.") && !name.contains(".hyp.")) {
            String stem = name.substring(0, name.length() - src.length());
            return siblings(folder, Pattern.compile(Pattern.quote(stem + tgt)));
        }
        return List.of();
    }

    private static List<Path> siblings(Path folder, Pattern name) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> name.matcher(plain(file)).matches())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UserException(folder + ": cannot be read (" + e.getMessage() + "); check your rights", e);
        }
    }

    private static String plain(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    }

    private List<Example> lines(Path source, List<Path> targets) {
        List<String> texts = segments(source);
        List<List<String>> translations = new ArrayList<>();
        for (Path target : targets) {
            List<String> lines = segments(target);
            if (lines.size() != texts.size()) {
                throw new UserException(target + ": " + lines.size() + " lines, but " + source + " has " + texts.size()
                        + "; give the two files of one pair, as downloaded");
            }
            translations.add(lines);
        }
        List<Example> examples = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            List<String> references = new ArrayList<>();
            for (List<String> lines : translations) {
                references.add(lines.get(i));
            }
            examples.add(Example.text(Integer.toString(i), input(texts.get(i)), references));
        }
        return examples;
    }

    private static List<String> segments(Path file) {
        List<String> lines = TaskFile.texts(file);
        if (!plain(file).endsWith(".sgm")) {
            return lines;
        }
        List<String> segments = new ArrayList<>();
        for (String line : lines) {
            Matcher segment = SEGMENT.matcher(line);
            if (segment.find()) {
                segments.add(segment.group(1).strip());
            }
        }
        return segments;
    }

    private List<Example> columns(Path file) {
        List<Example> examples = new ArrayList<>();
        for (String line : TaskFile.texts(file)) {
            String[] cells = line.split("\t", -1);
            if (cells.length < 2) {
                throw new UserException(file + ", line " + (examples.size() + 1)
                        + ": no tab between a text and its translation; give source, tab, reference on each line");
            }
            examples.add(Example.text(
                    Integer.toString(examples.size()),
                    input(cells[0]),
                    List.of(cells).subList(1, cells.length)));
        }
        return examples;
    }

    private List<Example> rows(Path file) {
        List<Example> examples = new ArrayList<>();
        TaskFile.lines(file, (row, place) -> {
            JsonNode pair = row.has("translation") ? row.get("translation") : row;
            String id = row.has("id") ? Predictions.id(row.get("id")) : place.id(row);
            examples.add(Example.text(id, input(place.text(pair, code(from))), List.of(place.text(pair, code(to)))));
        });
        return examples;
    }
}
