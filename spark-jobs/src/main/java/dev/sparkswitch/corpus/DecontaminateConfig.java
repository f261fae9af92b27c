package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.corpus.overlap.EvaluationSets;
import java.util.List;
import java.util.Map;

/** Evaluation sets that {@link Prepare} keeps out of the corpus. */
public record DecontaminateConfig(
        @Setting(
                value = "{}",
                help = "name of each evaluation set and its files (the tasks' own, JSON, text or Parquet)")
        Map<String, List<String>> sets,

        @Setting(value = "13", help = "words in a row that a document shares with an evaluation set")
        int words,

        @Setting(value = "drop", help = "drop such documents, or mask the shared words alone")
        Action action) {

    /** What becomes of a document that shares words with an evaluation set. */
    public enum Action {
        DROP,
        MASK
    }

    public DecontaminateConfig {
        if (words < 2) {
            throw new IllegalArgumentException("words " + words + " must be 2 or more");
        }
        if (sets.size() > EvaluationSets.MOST) {
            throw new IllegalArgumentException("sets names " + sets.size() + " evaluation sets, at most "
                    + EvaluationSets.MOST + " can be told apart");
        }
        sets.forEach((name, files) -> {
            if (files.isEmpty()) {
                throw new IllegalArgumentException("the set " + name + " names no files");
            }
        });
    }
}
