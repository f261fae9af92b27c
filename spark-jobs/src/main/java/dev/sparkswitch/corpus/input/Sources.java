package dev.sparkswitch.corpus.input;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.fs.Path;

/**
 * Names of files for provenance: what of a file's path lies below the path that was given, so that they tell files of a tree
 * apart and do not change when the tree moves.
 */
public final class Sources implements Serializable {
    private static final long serialVersionUID = 1L;

    private final ArrayList<String> roots = new ArrayList<>();

    /**
     * @param given full paths of folders and files, or patterns
     */
    public Sources(List<Path> given) {
        for (Path path : given) {
            Path root = path;
            for (Path above = path; above != null; above = above.getParent()) {
                if (isPattern(above.getName())) {
                    root = above.getParent();
                }
            }
            roots.add(root.toUri().getPath());
        }
        // The nearest folder first.
        roots.sort(Comparator.comparing(String::length).reversed());
    }

    private static boolean isPattern(String name) {
        return name.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    }

    /** The name of the file at {@code path}. */
    public String name(Path path) {
        String text = path.toUri().getPath();
        for (String root : roots) {
            if (text.startsWith(root) && text.length() > root.length()) {
                int from = root.endsWith("/") ? root.length() : root.length() + 1;
                if (text.charAt(from - 1) == '/') {
                    return text.substring(from);
                }
            }
        }
        return path.getName();
    }
}
